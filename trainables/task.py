"""`Task`: what loads the data of a described task, makes its problems and trains them."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

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
    """What trains one model epoch by epoch; `EpochLoop` unless a task brings its own."""

    @property
    def problem(self) -> Problem:
        """What is trained."""

    def __init__(
        self, problem: Problem, config: TrainingSpace, objective: Objective, seed: int
    ) -> None: ...

    def train_epoch(self) -> Tensor:
        """One pass over the training split; the mean loss, a scalar on the device."""

    def evaluate(self, split: Split = "val") -> Metrics:
        """The metrics of one split; scalars on the device."""

    def end_epoch(self, metrics: dict[str, float]) -> None:
        """Moves the schedule on by this model's own metrics of the epoch that ended."""

    def keep_best(self) -> None:
        """Keeps a copy of the weights as they are now."""

    def best_weights(self) -> Weights:
        """The weights of the best epoch so far."""

    def change(self, config: TrainingSpace) -> None:
        """Continues with another config's optimizer fields and penalties, as PBT asks."""

    def state_dict(self) -> dict[str, Any]:
        """All that an exact continuation needs; tensors and plain values only."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from a `state_dict` of the same config."""


class Task(ABC, Generic[ConfigT]):
    """What a described task does: it loads its data and makes a problem of each config.

    The module that its description names holds it as `TASK`.
    """

    description: ClassVar[TaskDescription]
    loop: ClassVar[type[Loop] | None] = None
    """What trains its models; None is the `EpochLoop`, one loss and one optimizer."""

    @property
    def name(self) -> str:
        """By which the task is known everywhere."""
        return self.description.name

    @property
    def objective(self) -> Objective:
        """The metric that ranks its trials."""
        return self.description.objective

    @property
    def space(self) -> type[ConfigT]:
        """The class of the task's configs."""
        return cast("type[ConfigT]", self.description.space)

    @abstractmethod
    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """The task's data set; see `tuneyard.datasets`.

        Args:
            data_dir: Folder looked in first.
            choice: Which of the description's data sets; None means the first.

        Raises:
            DataError: It can't be had.
        """

    def prepare(self, space: Space[ConfigT]) -> None:
        """Fetches what the trials of a search will need beside its data; here nothing.

        Args:
            space: What is searched.

        Raises:
            DataError: It can't be had.
        """

    @abstractmethod
    def problem(self, config: ConfigT, data: Dataset, device: torch.device) -> Problem:
        """One config made ready on a device.

        Raises:
            ValueError: The config does not fit the data (a window longer than the series, say).
        """

    def encode(self, inputs: Sequence[object], shape: tuple[int, ...]) -> Sequence[object]:
        """Inputs as people write them as those that a model reads; here they are the same.

        Args:
            inputs: Anything.
            shape: Of one input of the model; -1 stands for any size.

        Returns:
            Nested lists or arrays, where the inputs are right; whoever asked looks at them.

        Raises:
            ValueError: An input can't be written so.
        """
        return inputs


def find_task(name: str) -> Task[TrainingSpace]:
    """The task of that name.

    Raises:
        SpaceError: There is none.
    """
    module = importlib.import_module(find_description(name).module)
    return cast("Task[TrainingSpace]", module.TASK)
