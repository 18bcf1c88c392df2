"""The best checkpoints of a search: in MLflow and on disk; the others are deleted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from tuneyard.search.storage.folder import CHECKPOINTS, SearchFolder
from tuneyard.search.trials.listener import TrialListener
from tuneyard.search.trials.record import TrialRecord, trial_folder
from tuneyard.spaces.objective import Objective

ARTIFACTS = "checkpoint"
"""Folder of a trial's checkpoint among the artifacts of its run."""


class CheckpointStore(Protocol):
    """Where the best checkpoints go besides the disk: MLflow."""

    def upload(self, key: int, folder: SearchFolder, name: str, artifact_path: str | None) -> None:
        """Adds a checkpoint to the run of a trial."""

    def remove(self, key: int, artifact_path: str, then: Callable[[], None]) -> None:
        """Takes it away again, and calls `then`."""


class BestCheckpoints(TrialListener):
    """A listener that keeps the checkpoints of the best trials so far.

    Args:
        objective: What best means.
        keep: How many.
        folder: Of the search.
        store: Is given each checkpoint that is kept.
        at_end: Delete the others only at the end, because a scheduler may still copy from them.
    """

    def __init__(
        self,
        objective: Objective,
        keep: int,
        folder: SearchFolder,
        store: CheckpointStore,
        *,
        at_end: bool,
    ) -> None:
        self._objective = objective
        self._keep = keep
        self._folder = folder
        self._store = store
        self._at_end = at_end
        self._best: list[TrialRecord] = []
        self._doomed: list[tuple[TrialRecord, bool]] = []

    def restored(self, record: TrialRecord) -> None:
        """Ranks the trial if its checkpoint is still there."""
        if record.checkpoint is not None and self._folder.holds(record.checkpoint):
            self._judge(record, restored=True)

    def search_started(self) -> None:
        """Gives the store what is left from before, as the driver of then may not have."""
        for record in self._best:
            self._upload(record)
        if not self._at_end:
            self._delete()

    def ended(self, record: TrialRecord) -> None:
        """Keeps the trial's checkpoint if it is among the best, else deletes it."""
        self._judge(record, restored=False)

    def _judge(self, record: TrialRecord, *, restored: bool) -> None:
        self._best.append(record)
        self._best.sort(key=self._rank)
        beaten = self._best.pop() if len(self._best) > self._keep or not record.eligible else None
        if beaten is not record and not restored:
            self._upload(record)
        if beaten is not None:
            self._doomed.append((beaten, restored or beaten is not record))
        if not (restored or self._at_end):
            self._delete()

    def _upload(self, record: TrialRecord) -> None:
        assert record.checkpoint is not None
        self._store.upload(record.number, self._folder, record.checkpoint, ARTIFACTS)

    def _rank(self, record: TrialRecord) -> tuple[bool, float, int]:
        value = record.value if record.value is not None else 0.0
        return (not record.eligible, self._objective.cost(value), record.number)

    def search_ended(self) -> None:
        """Asks for the last deletions; `sweep` comes when the store has done what it was asked."""
        self._delete()

    def sweep(self) -> None:
        """Deletes all but the best, as an actor may make its trial's folder once more.

        Not before the store is done: it may have yet to upload what was beaten since.
        """
        kept = {trial_folder(record.number) for record in self._best}
        for name in self._folder.kept_trials():
            if name not in kept:
                self._folder.delete(f"{CHECKPOINTS}/{name}")

    def _delete(self) -> None:
        """Deletes the checkpoints that were beaten, from the store too if they are there."""
        for record, uploaded in self._doomed:
            delete = partial(self._folder.delete, f"{CHECKPOINTS}/{trial_folder(record.number)}")
            if uploaded:
                self._store.remove(record.number, ARTIFACTS, delete)
            else:
                delete()
        self._doomed.clear()
