"""`TrainedTask`: a task that our loop trains, as something that can be searched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch

from tuneyard.datasets import Data, Dataset
from tuneyard.spaces import SearchSpace, Space
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.trainables.searchable import FinalModel, Searchable
from tuneyard.trainables.task import Task
from tuneyard.trainables.training.evaluate import evaluate_and_export
from tuneyard.trainables.training.training import Training


class TrainedTask(Searchable):
    """A task whose problems our loop trains, on one validation split or on folds.

    Args:
        task: The task.
    """

    def __init__(self, task: Task[TrainingSpace]) -> None:
        self._task = task
        self.description = task.description

    def load(self, data_dir: Path | None, choice: str | None) -> Dataset:
        """See `Searchable.load`."""
        return self._task.load(data_dir, choice)

    def prepare(self, space: Space[SearchSpace]) -> None:
        """See `Searchable.prepare`."""
        self._task.prepare(cast("Space[TrainingSpace]", space))

    def split(self, data: Data, folds: int) -> tuple[Data, ...]:
        """See `Searchable.split`."""
        if folds == 1:
            return (data,)
        whole = cast("Dataset", data)
        return tuple(whole.fold(index, folds) for index in range(folds))

    def start(
        self,
        config: TrainingSpace,
        folds: Sequence[Data],
        *,
        seed: int,
        device: torch.device,
        milestones: frozenset[int] = frozenset(),
    ) -> Training:
        """See `Searchable.start`."""
        parts = cast("Sequence[Dataset]", folds)
        return Training(self._task, config, parts, seed=seed, device=device)

    def finish(
        self,
        config: TrainingSpace,
        data: Data,
        *,
        checkpoint: Path,
        folds: int,
        epochs: int,
        seed: int,
        device: torch.device,
    ) -> FinalModel:
        """See `Searchable.finish`."""
        return evaluate_and_export(
            self._task,
            config,
            cast("Dataset", data),
            checkpoint=checkpoint,
            folds=folds,
            epochs=epochs,
            seed=seed,
            device=device,
        )

    def encode(self, inputs: Sequence[object], shape: tuple[int, ...]) -> Sequence[object]:
        """See `Searchable.encode`."""
        return self._task.encode(inputs, shape)
