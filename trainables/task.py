"""What a task is: `Task` names its space, data and objective; `Problem`: one config made ready."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Part
from tuneyard.spaces import Space, SpaceError
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.registry import task_space

if TYPE_CHECKING:
    from tuneyard.trainables.training.loop import EpochLoop

Batch = Mapping[str, Tensor]
Metrics = dict[str, Tensor]
ConfigT = TypeVar("ConfigT", bound=TrainingSpace)


@dataclass(frozen=True)
class Objective:
    """The metric that ranks trials, e.g. ``val_rmse``, with its direction."""

    metric: str
    mode: Literal["min", "max"]

    def better(self, value: float, than: float | None) -> bool:
        """Whether `value` beats `than`; anything beats None."""
        if than is None:
            return True
        return value < than if self.mode == "min" else value > than


class Problem(ABC):
    """One config made ready: the tensors of each part on a device, and a fresh model.

    A task computes here whatever depends on a hyperparameter or on statistics of the data, and
    fits the statistics on the training part only. A part's tensors are made when first asked for,
    so that a trial never touches the test part.

    Attributes:
        device: Where the tensors and the model are.
        model: The network.
    """

    device: torch.device
    model: nn.Module

    @abstractmethod
    def tensors(self, part: Part) -> Batch:
        """The tensors of one part, rows on axis 0. Ask `part`, which keeps them."""

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """Mean loss of a training batch, a scalar."""

    @abstractmethod
    def evaluate(self, batch: Batch) -> Metrics:
        """Scalar metrics of a whole part, ``loss`` among them; called without gradients."""

    @abstractmethod
    def serving(self) -> tuple[nn.Module, np.ndarray]:
        """The model as others use it, from raw input to an answer in natural units.

        Returns:
            A module on the CPU in evaluation mode, and an example of its input (two rows or more).
        """

    def trained(self) -> Iterable[nn.Parameter]:
        """What the config's optimizer moves: every parameter that is not frozen."""
        return (p for p in self.model.parameters() if p.requires_grad)

    def rates(self) -> Mapping[nn.Parameter, float]:
        """What the learning rate of a parameter is multiplied by; 1 where it is not named."""
        return {}

    @cached_property
    def _parts(self) -> dict[Part, Batch]:
        return {}

    def part(self, part: Part) -> Batch:
        """The tensors of one part, rows on axis 0."""
        if part not in self._parts:
            self._parts[part] = self.tensors(part)
        return self._parts[part]

    def batch(self, rows: Tensor) -> Batch:
        """Rows of the training part; a task overrides it where a batch is more than rows."""
        return {name: tensor[rows] for name, tensor in self.part("train").items()}

    def batches(self, batch_size: int | None, generator: torch.Generator) -> Iterator[Batch]:
        """The training part of one epoch, shuffled, in batches of `batch_size` rows.

        A part that fits in one batch is taken in order: its gradient is the same. A single row
        left over joins the batch before.
        """
        train = self.part("train")
        count = len(next(iter(train.values())))
        if batch_size is None or batch_size >= count:
            yield train
            return
        rows = torch.randperm(count, generator=generator).to(self.device)
        chunks = list(rows.split(batch_size))
        if len(chunks[-1]) == 1 < batch_size:
            # a batch norm can't train on one row
            chunks[-2:] = [torch.cat(chunks[-2:])]
        for chosen in chunks:
            yield self.batch(chosen)


class Task(ABC, Generic[ConfigT]):
    """A name, a space, a data set, a model, an objective.

    The module `tuneyard.trainables.tasks.names_gru` holds the task ``names-gru`` as `TASK`.
    """

    name: ClassVar[str]
    objective: ClassVar[Objective]
    folds: ClassVar[int] = 1
    """How many folds rank its configs unless a search says otherwise; 1 is one validation part."""
    data: ClassVar[tuple[str, ...]] = ()
    """The data sets that ``--data`` chooses from, the default first; empty where there is one."""
    course_result: ClassVar[str] = ""
    """What the course reports for the baseline; empty where it reports nothing."""
    loop: ClassVar[type[EpochLoop] | None] = None
    """What trains its models; None is the `EpochLoop`, one loss and one optimizer."""

    @property
    def space(self) -> type[ConfigT]:
        """The class of the task's configs."""
        return cast("type[ConfigT]", task_space(self.name))

    def check_data(self, choice: str) -> None:
        """Refuses a choice of data that the task can't have, before anything is loaded.

        A task overrides it where a choice is more than one of the names in `data`.

        Raises:
            SpaceError: There is no such data set.
        """
        if not self.data:
            raise SpaceError(f"{self.name} has one data set: leave data out, got {choice!r}")
        if choice not in self.data:
            raise SpaceError(f"data must be one of {', '.join(self.data)}, got {choice!r}")

    @abstractmethod
    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """The task's data set; see `tuneyard.datasets`.

        Args:
            data_dir: Folder looked in first.
            choice: Which of the data sets in `data`; None means the first.

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
    task_space(name)
    module = importlib.import_module(f"tuneyard.trainables.tasks.{name.replace('-', '_')}")
    return cast("Task[TrainingSpace]", module.TASK)
