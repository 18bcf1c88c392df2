"""Of each trial the latest checkpoint is kept, which Ray Tune would do with a snapshot for each."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any  # Ray Tune's callbacks are given anything

from ray import tune
from ray.tune import Callback
from ray.tune.experiment import Trial

from tuneyard.search.storage.folder import CHECKPOINTS, SearchFolder
from tuneyard.search.tune.assignments import folder_name


class LatestCheckpoint(Callback):
    """Deletes a trial's earlier checkpoints as soon as a later one is whole.

    With ``num_to_keep=1``, Tune writes the state of all trials with each checkpoint: what a search
    writes grows with the square of its trials.

    Args:
        folder: Of the search.
    """

    def __init__(self, folder: SearchFolder) -> None:
        self._folder = folder

    def on_checkpoint(
        self,
        iteration: int,
        trials: list[Trial],
        trial: Trial,
        checkpoint: tune.Checkpoint,
        **info: Any,
    ) -> None:
        """A trial's checkpoint is whole; nothing is read from those before it any more."""
        kept = PurePosixPath(checkpoint.path).name
        place = f"{CHECKPOINTS}/{folder_name(trial)}"
        for name in self._folder.names(place):
            if name != kept:
                self._folder.delete(f"{place}/{name}")
