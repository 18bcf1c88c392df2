"""`best_trial`: the one ranking of a search's trials, as its driver or MLflow knows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from tuneyard.spaces.objective import Objective


class Ranked(Protocol):
    """A trial as far as ranking needs it."""

    @property
    def value(self) -> float | None:
        """Its best objective; None without one."""

    @property
    def eligible(self) -> bool:
        """Whether its model may be the search's best: its weights are kept."""


TrialT = TypeVar("TrialT", bound=Ranked)


def best_trial(trials: Iterable[TrialT], objective: Objective) -> TrialT | None:
    """The best of the eligible trials; of two with the same value the earlier one.

    Args:
        trials: In the order of their numbers.
        objective: What ranks them.

    Returns:
        The best trial; None where none is eligible.
    """
    best: TrialT | None = None
    for trial in trials:
        value = trial.value if trial.eligible else None
        if value is not None and objective.better(value, best.value if best else None):
            best = trial
    return best
