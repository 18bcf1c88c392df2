"""`Problem`: one config made ready, its tensors on a device and a fresh model."""

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
    """One config made ready: the tensors of each split on a device, and a fresh model.

    A task computes here whatever depends on a hyperparameter or on statistics of the data, and
    fits the statistics on the training split only. A split's tensors are made when first asked for,
    so that a trial never touches the test split.

    Attributes:
        device: Where the tensors and the model are.
        model: The network.
    """

    device: torch.device
    model: nn.Module

    @abstractmethod
    def build_tensors(self, split: Split) -> Batch:
        """The tensors of one split, rows on axis 0. Ask `split`, which keeps them."""

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """Mean loss of a training batch, a scalar."""

    @abstractmethod
    def evaluate(self, batch: Batch) -> Metrics:
        """Scalar metrics of a whole split, ``loss`` among them; called without gradients."""

    @abstractmethod
    def export(self) -> tuple[nn.Module, np.ndarray]:
        """The model as others use it, from raw input to an answer in natural units.

        Returns:
            A module on the CPU in evaluation mode, and an example of its input (two rows or more).
        """

    def trainable_parameters(self) -> Iterable[nn.Parameter]:
        """What the config's optimizer moves: every parameter that is not frozen."""
        return (p for p in self.model.parameters() if p.requires_grad)

    def learning_rate_multipliers(self) -> Mapping[nn.Parameter, float]:
        """What the learning rate of a parameter is multiplied by; 1 where it is not named."""
        return {}

    @cached_property
    def _tensors(self) -> dict[Split, Batch]:
        return {}

    def tensors(self, split: Split) -> Batch:
        """The tensors of one split, rows on axis 0."""
        if split not in self._tensors:
            self._tensors[split] = self.build_tensors(split)
        return self._tensors[split]

    def batch(self, rows: Tensor) -> Batch:
        """Rows of the training split; a task overrides it where a batch is more than rows."""
        return {name: tensor[rows] for name, tensor in self.tensors("train").items()}

    def batches(self, batch_size: int | None, generator: torch.Generator) -> Iterator[Batch]:
        """The training part of one epoch, shuffled, in batches of `batch_size` rows.

        A split that fits in one batch is taken in order: its gradient is the same. A single row
        left over joins the batch before.
        """
        train = self.tensors("train")
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
