"""Task ``logistic-regression``: hours of study to the probability that the exam is passed."""

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
    """Hours as they are."""

    def __init__(self, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self.model = nn.Sequential(nn.Linear(1, 1), nn.Flatten(0)).to(device)

    def build_tensors(self, split: Split) -> Batch:
        """hours (B, 1) and label (B,), as floats."""
        rows = self._data.splits[split]
        hours, label = self._data.arrays["hours"][rows], self._data.arrays["label"][rows]
        return {
            "hours": torch.tensor(hours[:, None], device=self.device),
            "label": torch.tensor(label, device=self.device, dtype=torch.float32),
        }

    def loss(self, batch: Batch) -> Tensor:
        """Mean log loss, from the logits: exact where the sigmoid would round to 0 or 1."""
        logits = self.model(batch["hours"])
        return nn.functional.binary_cross_entropy_with_logits(logits, batch["label"])

    def evaluate(self, batch: Batch) -> Metrics:
        """``loss``, the mean log loss; ``accuracy`` in [0, 1]."""
        logits = self.model(batch["hours"])
        return {
            "loss": nn.functional.binary_cross_entropy_with_logits(logits, batch["label"]),
            "accuracy": ((logits > 0) == (batch["label"] > 0)).float().mean(),
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """(B, 1) hours to the probability of passing (B,)."""
        module = nn.Sequential(self.model, nn.Sigmoid()).cpu().eval()
        return module, self._data.arrays["hours"][:2, None]


class LogisticRegression(Task[LogisticRegressionSpace]):
    """Binary classification by one feature; log loss."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Three students to train on, or 180 whose exams are partly luck."""
        return logistic_regression.load(choice, data_dir)

    def problem(
        self, config: LogisticRegressionSpace, data: Dataset, device: torch.device
    ) -> LogisticRegressionProblem:
        """The students of each split."""
        return LogisticRegressionProblem(data, device)


TASK = LogisticRegression()
