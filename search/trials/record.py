"""What a search knows of its trials, and who is told when that changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from tuneyard.spaces import Value

Params = dict[str, Value]

State = Literal[
    "running",
    "interrupted",
    "completed",
    "early_stopped",
    "pruned",
    "diverged",
    "out_of_memory",
    "failed",
]
"""A trial's state; all but the first two are ends.

An ``interrupted`` trial has lost its search's driver: `resume` goes on with it.
``pruned`` trials were stopped by the scheduler, by the budget or by a person; their `reason` says
which.
"""

ENDS: tuple[State, ...] = get_args(State)[2:]
FAILURES: tuple[State, ...] = ("diverged", "out_of_memory", "failed")


def trial_folder(number: int) -> str:
    """The name of a trial's folder among the search's checkpoints, and of its run."""
    return f"{number:05d}"


@dataclass
class TrialRecord:
    """One trial as the search's driver knows it.

    Attributes:
        number: Its number in the search, from 0: the baseline.
        params: Its config as flat parameters, as proposed.
        current: Its parameters now; a scheduler may change them.
        state: Running, or how it ended.
        reason: What ended it, in one word or line.
        traceback: Where a user's code raised an error, as Python prints it; empty otherwise.
        epoch: Epochs done.
        value: Its best objective so far; None before the first epoch.
        best_epoch: The epoch of that value.
        best_params: The parameters at that epoch.
        metrics: All metrics of that epoch.
        seconds: Time spent in training.
        node: The host that it trains on, or trained on last.
        continues: Whether it goes on where a driver before has left it; else it starts anew.
        checkpoint: Its best weights by their name in the search's folder, where it left any.
        run_id: Its MLflow run, once there is one.
    """

    number: int
    params: Params
    current: Params = field(default_factory=dict)
    state: State = "running"
    reason: str = ""
    traceback: str = ""
    epoch: int = 0
    value: float | None = None
    best_epoch: int = 0
    best_params: Params = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    node: str = ""
    continues: bool = False
    checkpoint: str | None = None
    run_id: str = ""

    @property
    def eligible(self) -> bool:
        """Whether its model may be the search's best: it has a value and its weights."""
        return self.value is not None and self.checkpoint is not None


def count_states(records: Iterable[TrialRecord]) -> dict[State, int]:
    """How many trials ended in each way."""
    found = Counter(record.state for record in records)
    return {state: found[state] for state in ENDS}
