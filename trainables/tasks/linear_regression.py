"""Task ``linear-regression``: a weight and a bias."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Split, linear_regression
from tuneyard.spaces.tasks.linear_regression import DESCRIPTION, LinearRegressionSpace
from tuneyard.trainables.problem import Batch, Metrics, Problem
from tuneyard.trainables.task import Task


class LinearRegressionProblem(Problem):
    """The points, unchanged, and a linear model."""

    model: nn.Linear

    def __init__(self, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self.model = nn.Linear(1, 1).to(device)

    def build_tensors(self, split: Split) -> Batch:
        """`x` (B, 1) and `y` (B, 1)."""
        rows = self._data.splits[split]
        return {
            name: torch.tensor(self._data.arrays[name][rows, None], device=self.device)
            for name in ("x", "y")
        }

    def loss(self, batch: Batch) -> Tensor:
        """The mean squared error."""
        return nn.functional.mse_loss(self.model(batch["x"]), batch["y"])

    def evaluate(self, batch: Batch) -> Metrics:
        """The ``loss``, i.e. the mean squared error, and the line's ``weight`` and ``bias``."""
        return {
            "loss": self.loss(batch),
            "weight": self.model.weight.detach()[0, 0],
            "bias": self.model.bias.detach()[0],
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from x (B, 1) to y (B,)."""
        module = nn.Sequential(self.model, nn.Flatten(0)).cpu().eval()
        return module, self._data.arrays["x"][:2, None]


class LinearRegression(Task[LinearRegressionSpace]):
    """Fits the line y = 2x, ranked by mean squared error."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Loads points of the line: three exact ones for training, or 120 with noise."""
        return linear_regression.load(choice, data_dir)

    def problem(
        self, config: LinearRegressionSpace, data: Dataset, device: torch.device
    ) -> LinearRegressionProblem:
        """The points of each split and a fresh line."""
        return LinearRegressionProblem(data, device)


TASK = LinearRegression()
