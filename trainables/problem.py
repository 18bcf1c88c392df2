"""`Problem`: one config prepared for training, as tensors on a device and a fresh model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Split

Batch = Mapping[str, Tensor]
Metrics = dict[str, Tensor]
Weights = dict[str, Tensor]
"""The `state_dict` of a model."""


class Problem(ABC):
    """One config prepared for training: the tensors of each split, and a fresh model.

    Everything that depends on a hyperparameter or on statistics of the data is computed here, and
    the statistics are fitted on the training split only. The tensors of a split are built when they
    are first needed, so a trial never touches the test split.

    Attributes:
        device: The device of the tensors and of the model.
        model: The network.
    """

    device: torch.device
    model: nn.Module

    @abstractmethod
    def build_tensors(self, split: Split) -> Batch:
        """Builds the tensors of one split, rows on axis 0; call `tensors`, which caches them."""

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """The mean loss of a training batch, a scalar."""

    @abstractmethod
    def evaluate(self, batch: Batch) -> Metrics:
        """Scalar metrics of a whole split, ``loss`` among them; called without gradients."""

    @abstractmethod
    def export(self) -> tuple[nn.Module, np.ndarray]:
        """The trained model in the form that predicts: from raw input to output in natural units.

        Returns:
            A module on the CPU in evaluation mode, and an example of its input (two rows or more).
        """

    def trainable_parameters(self) -> Iterable[nn.Parameter]:
        """The parameters that the config's optimizer updates: all that are not frozen."""
        return (p for p in self.model.parameters() if p.requires_grad)

    def learning_rate_multipliers(self) -> Mapping[nn.Parameter, float]:
        """A factor on the learning rate of some parameters; 1 for all others."""
        return {}

    @cached_property
    def _tensors(self) -> dict[Split, Batch]:
        return {}

    def tensors(self, split: Split) -> Batch:
        """The tensors of one split, rows on axis 0; they are built once."""
        if split not in self._tensors:
            self._tensors[split] = self.build_tensors(split)
        return self._tensors[split]

    def batch(self, rows: Tensor) -> Batch:
        """The batch of some rows of the training split; a task may override it."""
        return {name: tensor[rows] for name, tensor in self.tensors("train").items()}

    def batches(self, batch_size: int | None, generator: torch.Generator) -> Iterator[Batch]:
        """The training split for one epoch, shuffled, in batches of `batch_size` rows.

        A split that fits into one batch is not shuffled, since the order does not change its
        gradient. A single remaining row joins the batch before it.

        Args:
            batch_size: Rows per batch; None means the whole split.
            generator: The source of the random order.
        """
        train = self.tensors("train")
        count = len(next(iter(train.values())))
        if batch_size is None or batch_size >= count:
            yield train
            return
        rows = torch.randperm(count, generator=generator).to(self.device)
        chunks = list(rows.split(batch_size))
        if len(chunks[-1]) == 1 < batch_size:
            # batch norm cannot train on a single row
            chunks[-2:] = [torch.cat(chunks[-2:])]
        for chosen in chunks:
            yield self.batch(chosen)
