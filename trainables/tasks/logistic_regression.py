"""Task ``logistic-regression``: the probability of passing an exam from hours of study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Split, logistic_regression
from tuneyard.spaces.tasks.logistic_regression import DESCRIPTION, LogisticRegressionSpace
from tuneyard.trainables.problem import Batch, Metrics, Problem
from tuneyard.trainables.task import Task


class LogisticRegressionProblem(Problem):
    """The hours, unchanged, and a logistic regression."""

    def __init__(self, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self.model = nn.Sequential(nn.Linear(1, 1), nn.Flatten(0)).to(device)

    def build_tensors(self, split: Split) -> Batch:
        """`hours` (B, 1) and `label` (B,), as floats."""
        rows = self._data.splits[split]
        hours, label = self._data.arrays["hours"][rows], self._data.arrays["label"][rows]
        return {
            "hours": torch.tensor(hours[:, None], device=self.device),
            "label": torch.tensor(label, device=self.device, dtype=torch.float32),
        }

    def loss(self, batch: Batch) -> Tensor:
        """The mean log loss, computed from logits, so it is exact even for extreme ones."""
        logits = self.model(batch["hours"])
        return nn.functional.binary_cross_entropy_with_logits(logits, batch["label"])

    def evaluate(self, batch: Batch) -> Metrics:
        """The ``loss``, i.e. the mean log loss, and the ``accuracy``, in [0, 1]."""
        logits = self.model(batch["hours"])
        return {
            "loss": nn.functional.binary_cross_entropy_with_logits(logits, batch["label"]),
            "accuracy": ((logits > 0) == (batch["label"] > 0)).float().mean(),
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from hours (B, 1) to the probability of passing (B,)."""
        module = nn.Sequential(self.model, nn.Sigmoid()).cpu().eval()
        return module, self._data.arrays["hours"][:2, None]


class LogisticRegression(Task[LogisticRegressionSpace]):
    """Binary classification by one feature, ranked by log loss."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Loads students: three for training, or 180 whose results are partly random."""
        return logistic_regression.load(choice, data_dir)

    def problem(
        self, config: LogisticRegressionSpace, data: Dataset, device: torch.device
    ) -> LogisticRegressionProblem:
        """The students of each split and a fresh model."""
        return LogisticRegressionProblem(data, device)


TASK = LogisticRegression()
