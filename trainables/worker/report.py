"""`Report`: what a worker sends back to the driver of a search, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tuneyard.trainables.worker.assignment import Params

Reason = Literal["completed", "early_stopped", "diverged", "out_of_memory", "deadline", "failed"]
"""Why a trial ended by itself."""


@dataclass(frozen=True)
class BestEpoch:
    """A trial's best epoch so far.

    Attributes:
        epoch: Its number, from 1.
        value: Of the objective.
        metrics: Every metric of that epoch, by name.
        params: The config of that epoch; a scheduler may have changed it since.
    """

    epoch: int
    value: float
    metrics: Mapping[str, float]
    params: Params


@dataclass(frozen=True)
class MemberReport:
    """How far one trial has come since its report before.

    Attributes:
        number: Its number in the search.
        epoch: Epochs trained in all.
        values: Every metric of the last epoch, by name; empty before the first epoch.
        best: Its best epoch so far; None before the first one that is finite.
        history: Every metric of each epoch since the report before, by name; None for an epoch in
            which it was not measured. The first report after a checkpoint was loaded holds all
            epochs since the trial's start.
        reason: Why it ended by itself; None as long as it can continue.
        error: What it raised, in one line; None unless it failed.
        traceback: Where a user's code raised that, as Python prints it; empty otherwise.
        artifacts: The files that it logged since the report before, by name.
    """

    number: int
    epoch: int
    values: Mapping[str, float] = field(default_factory=dict)
    best: BestEpoch | None = None
    history: Mapping[str, list[float | None]] = field(default_factory=dict)
    reason: Reason | None = None
    error: str | None = None
    traceback: str = ""
    artifacts: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """The reports of all trials that one worker trains together.

    Attributes:
        members: In the order of the assignment.
    """

    members: tuple[MemberReport, ...]

    @property
    def single(self) -> MemberReport:
        """The report of a worker that trains one trial."""
        (member,) = self.members
        return member

    @property
    def ended(self) -> bool:
        """Whether every trial has ended by itself."""
        return all(member.reason is not None for member in self.members)
