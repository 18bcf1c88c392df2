"""`Task`: loads the data of a described task and turns each config into a problem to train."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import (
    Any,
    ClassVar,
    Generic,
    Protocol,
    TypeVar,
    cast,
)  # Any: a `state_dict` holds anything

import torch
from torch import Tensor

from tuneyard.datasets import Dataset, Split
from tuneyard.spaces import Space
from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.objective import Objective
from tuneyard.spaces.registry import find_description
from tuneyard.trainables.problem import Metrics, Problem, Weights

ConfigT = TypeVar("ConfigT", bound=TrainingSpace)


class Loop(Protocol):
    """The training of one model, epoch by epoch: `EpochLoop`, unless a task has its own."""

    @property
    def problem(self) -> Problem:
        """The problem that is trained."""

    def __init__(
        self, problem: Problem, config: TrainingSpace, objective: Objective, seed: int
    ) -> None: ...

    def train_epoch(self) -> Tensor:
        """One pass over the training split; returns the mean loss, a scalar on the device."""

    def evaluate(self, split: Split = "val") -> Metrics:
        """The metrics of one split, as scalars on the device."""

    def end_epoch(self, metrics: dict[str, float]) -> None:
        """Advances the schedule, given this model's metrics of the epoch that ended."""

    def keep_best(self) -> None:
        """Keeps a copy of the current weights as the best so far."""

    def best_weights(self) -> Weights:
        """The weights of the best epoch so far."""

    def change(self, config: TrainingSpace) -> None:
        """Continues with another config's optimizer hyperparameters and penalties, for PBT."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that an exact continuation needs, as tensors and plain values only."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from a `state_dict` of the same config."""


class Task(ABC, Generic[ConfigT]):
    """The part of a task that needs torch: it loads the data and prepares configs for training.

    The module that the task's description names holds an instance as `TASK`, or, in a user's file,
    the class.
    """

    description: ClassVar[TaskDescription]
    loop: ClassVar[type[Loop] | None] = None
    """The loop that trains the models; None means `EpochLoop`, with one loss and one optimizer."""

    @property
    def name(self) -> str:
        """The name of the task, e.g. ``names-gru``."""
        return self.description.name

    @property
    def objective(self) -> Objective:
        """The metric that ranks the task's trials."""
        return self.description.objective

    @property
    def space(self) -> type[ConfigT]:
        """The class of the task's configs."""
        return cast("type[ConfigT]", self.description.space)

    @abstractmethod
    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Loads the task's data set; see `tuneyard.datasets`.

        Args:
            data_dir: A folder that is searched first for data files; None means none.
            choice: One of the data sets that the description lists; None means the first.

        Raises:
            DataError: The data set is not available.
        """

    def prepare(self, space: Space[ConfigT]) -> None:
        """Downloads what the trials of a search need besides the data; by default nothing.

        Args:
            space: The space that is searched.

        Raises:
            DataError: A download failed.
        """

    @abstractmethod
    def problem(self, config: ConfigT, data: Dataset, device: torch.device) -> Problem:
        """Prepares one config for training on a device.

        Raises:
            ValueError: The config does not fit the data, e.g. its window is longer than the series.
        """

    def encode(self, inputs: Sequence[object], shape: tuple[int, ...]) -> Sequence[object]:
        """Turns inputs as people write them into those that the exported model reads.

        By default the inputs are returned unchanged.

        Args:
            inputs: The inputs, not validated.
            shape: The shape of one input of the model; -1 stands for any size.

        Returns:
            Nested lists or arrays for valid inputs; the caller validates them.

        Raises:
            ValueError: An input cannot be encoded.
        """
        return inputs


def find_task(name: str) -> Task[TrainingSpace]:
    """The task of the package with the given name.

    Raises:
        SpaceError: There is no task of that name.
    """
    description = find_description(name)
    task = getattr(importlib.import_module(description.module), description.attribute)
    return cast("Task[TrainingSpace]", task)
