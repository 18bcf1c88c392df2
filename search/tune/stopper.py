"""`SearchStopper`: what ends a whole search before its budget is used up."""

from __future__ import annotations

from typing import Any  # a result of Ray Tune is a dictionary of anything

from ray.tune import Stopper

from tuneyard.search.trials.listener import TrialListener
from tuneyard.search.trials.record import TrialRecord
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.worker.assignment import BASELINE

ALIKE = 5
"""So many first trials that all fail in the same way end a search: the others would, too."""


class SearchStopper(Stopper, TrialListener):
    """Ends the whole search: at the target, after first trials that failed, or by `stop`.

    Args:
        objective: What ranks trials.
        target: The value at which the search ends; None without one.
        keep_going: Whether it goes on after a baseline that failed, or after first trials that all
            failed in the same way.

    Attributes:
        reason: Why it ends: ``target``, ``baseline``, ``failures``, or what `stop` was told; None
            as long as it goes on.
    """

    def __init__(
        self, objective: Objective, target: float | None, *, keep_going: bool = False
    ) -> None:
        self._objective = objective
        self._target = target
        self._keep_going = keep_going
        self._alike: list[tuple[str, str]] | None = []
        self.reason: str | None = None

    def restored(self, record: TrialRecord) -> None:
        """Nothing is concluded from the first trials of a search that goes on."""
        self._alike = None

    def ended(self, record: TrialRecord) -> None:
        """Ends the search if the trial has reached the target, or if all have failed so far."""
        if not self._keep_going:
            self._judge_failure(record)
        if self._target is None or not record.eligible or record.value is None:
            return
        if self._objective.reached(record.value, self._target):
            self.stop("target")

    def _judge_failure(self, record: TrialRecord) -> None:
        if record.number == BASELINE and record.state == "failed":
            self.stop("baseline")
        if self._alike is None:
            return
        if record.state not in ("failed", "out_of_memory"):
            self._alike = None
            return
        self._alike.append((record.state, record.reason))
        if len(self._alike) >= ALIKE and len(set(self._alike)) == 1:
            self.stop("failures")

    def stop(self, reason: str) -> None:
        """Ends the search soon; the first reason counts."""
        self.reason = self.reason or reason

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Whether this trial ends: trials end by themselves."""
        return False

    def stop_all(self) -> bool:
        """Whether the search ends."""
        return self.reason is not None
