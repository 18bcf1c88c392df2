"""`TrialSetup`: what all trials of a search share."""

from __future__ import annotations

from dataclasses import dataclass, field

from tuneyard.datasets import Data
from tuneyard.spaces.registry import Carried


@dataclass(frozen=True)
class TrialSetup:
    """What all trials of a search share; Ray's object store holds it once.

    Attributes:
        code: The task's code, where it is no installed task. It is the first field: the data may
            refer to classes that the code defines.
        task: Name of the task.
        folds: Its data set, or the folds of it.
        seed: Of every trial whose assignment names none.
        cpus: CPUs of a trial.
        gpus: GPUs of a trial; a fraction is a share of one.
        milestones: Epochs at which a step ends, because the scheduler compares trials there.
        target: Value of the objective at which a trial ends.
        deadline: Unix time at which trials end; None without a time budget.
        timeout: Seconds within which a trial must have trained another epoch; None for ever.
    """

    code: Carried | None = field(default=None, kw_only=True)
    task: str
    folds: tuple[Data, ...]
    seed: int = 0
    cpus: float = 1.0
    gpus: float = 0.0
    milestones: frozenset[int] = field(default_factory=frozenset)
    target: float | None = None
    deadline: float | None = None
    timeout: float | None = None
