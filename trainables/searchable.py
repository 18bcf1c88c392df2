"""`Searchable`: what a search asks of a task, whoever wrote its training loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol  # Any: a `state_dict` holds anything

import numpy as np
import torch
from torch import nn

from tuneyard.datasets import Data
from tuneyard.spaces import SearchSpace, Space
from tuneyard.spaces.description import TaskDescription

EndReason = Literal["completed", "early_stopped", "diverged"]
"""The reason for which a training ended by itself."""

State = dict[str, Any]
"""A `state_dict`: tensors and plain values only."""


@dataclass(frozen=True)
class Best:
    """The best epoch so far: its number (from 1), the objective's value and all metrics."""

    epoch: int
    value: float
    metrics: dict[str, float]


@dataclass(frozen=True)
class FinalModel:
    """The best config's model, tested.

    Attributes:
        model: A module on the CPU in evaluation mode, from raw input to output in natural units;
            a scikit-learn estimator; or a folder of files, where a program other than ours reads
            them; None where the task has no model to register.
        example: An example of its input, two rows or more; None where there is no model.
        metrics: The metrics of the test split, as ``test_<metric>``.
    """

    model: nn.Module | Path | object | None
    example: np.ndarray | None
    metrics: dict[str, float] = field(default_factory=dict)


class TrialTraining(Protocol):
    """The training of one config, epoch by epoch.

    Attributes:
        device: The device that it trains on.
        epoch: The number of epochs trained so far.
        best: The best epoch so far; None before the first that has a finite objective.
        ended: Why the training ended by itself; None as long as it can continue.
        folders: Folders whose files belong to its checkpoints, by their names in one.
    """

    device: torch.device
    folders: Mapping[str, Path]
    epoch: int
    best: Best | None
    ended: EndReason | None

    def run_epoch(self) -> dict[str, float]:
        """Trains for one epoch; returns its metrics by name."""

    def change(self, config: Any) -> None:
        """Continues with another config's optimizer hyperparameters, for PBT."""

    def best_weights(self) -> list[State]:
        """The weights of the best epoch so far."""

    def state_dict(self) -> State:
        """Everything that an exact continuation needs, as tensors and plain values only."""

    def load_state_dict(self, state: State) -> None:
        """Continues from a `state_dict` of the same config."""

    def take_artifacts(self) -> Mapping[str, bytes]:
        """The files that were logged since the last call, by name."""

    def close(self) -> None:
        """Ends it, before the process trains something else."""


class Searchable(ABC):
    """A task as a search sees it: its own loop's, a user's function, or a user's command.

    Attributes:
        description: Its name, space and objective.
    """

    description: TaskDescription

    @abstractmethod
    def load(self, data_dir: Path | None, choice: str | None) -> Data:
        """Loads the data, once for a search.

        Args:
            data_dir: A folder that is searched first for data files; None means none.
            choice: One of the data sets that the description lists; None means the first.

        Raises:
            DataError: The data is not available.
        """

    def prepare(self, space: Space[SearchSpace]) -> None:  # noqa: B027 - most need nothing more
        """Downloads what the trials of a search need besides the data; by default nothing.

        Args:
            space: The space that is searched.

        Raises:
            DataError: A download failed.
        """

    def split(self, data: Data, folds: int) -> tuple[Data, ...]:
        """What trials are ranked on: the data itself, or its folds.

        Args:
            data: What `load` returned.
            folds: How many folds; 1 means the data's own validation split.

        Raises:
            ValueError: The data cannot be split so.
        """
        if folds > 1:
            raise ValueError(f"{self.description.name} chooses its own validation data")
        return (data,)

    @abstractmethod
    def start(
        self,
        config: Any,
        folds: Sequence[Data],
        *,
        seed: int,
        device: torch.device,
        milestones: frozenset[int] = frozenset(),
    ) -> TrialTraining:
        """Starts the training of a config.

        Args:
            config: Of the description's space.
            folds: The data, or its folds.
            seed: The seed of everything that is random in it.
            device: The device to train on.
            milestones: Epochs after which the scheduler compares trials.
        """

    @abstractmethod
    def finish(
        self,
        config: Any,
        data: Data,
        *,
        checkpoint: Path,
        folds: int,
        epochs: int,
        seed: int,
        device: torch.device,
    ) -> FinalModel:
        """Tests the best config's model once, and brings it into the form that is registered.

        Args:
            config: The best config.
            data: The whole data.
            checkpoint: The folder of the best trial's checkpoint.
            folds: The number of folds that ranked the trials; 1 means one validation split.
            epochs: The best trial's best epoch.
            seed: The seed of the trials.
            device: The device to train and evaluate on.
        """

    def encode(self, inputs: Sequence[object], shape: tuple[int, ...]) -> Sequence[object]:
        """Turns inputs as people write them into those that the registered model reads.

        By default the inputs are returned unchanged.

        Args:
            inputs: The inputs, not validated.
            shape: The shape of one input of the model; -1 stands for any size.

        Raises:
            ValueError: An input cannot be encoded.
        """
        return inputs
