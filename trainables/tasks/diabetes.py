"""Task ``diabetes``: a multilayer perceptron on the Pima Indians data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Split, diabetes
from tuneyard.spaces.tasks.diabetes import DESCRIPTION, DiabetesSpace
from tuneyard.trainables.layers.blocks import hidden_layers
from tuneyard.trainables.problem import Batch, Metrics, Problem
from tuneyard.trainables.task import Task

FEATURES = 8


class Perceptron(nn.Sequential):
    """Maps features (B, 8) to one logit per row (B,)."""

    def __init__(self, config: DiabetesSpace) -> None:
        layers = hidden_layers(
            FEATURES,
            config.hidden_sizes,
            config.activation,
            batch_norm=config.batch_norm,
            dropout=config.dropout,
        )
        super().__init__(*layers, nn.Linear(config.hidden_sizes[-1], 1), nn.Flatten(0))


class DiabetesProblem(Problem):
    """Features and labels, unchanged, since the published features are scaled already."""

    def __init__(self, config: DiabetesSpace, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self.model = Perceptron(config).to(device)

    def build_tensors(self, split: Split) -> Batch:
        """`features` (B, 8) and `label` (B,), as floats."""
        rows = self._data.splits[split]
        features, labels = self._data.arrays["features"][rows], self._data.arrays["label"][rows]
        return {
            "features": torch.tensor(features, device=self.device),
            "label": torch.tensor(labels, device=self.device, dtype=torch.float32),
        }

    def loss(self, batch: Batch) -> Tensor:
        """Binary cross entropy of the logits."""
        logits = self.model(batch["features"])
        return nn.functional.binary_cross_entropy_with_logits(logits, batch["label"])

    def evaluate(self, batch: Batch) -> Metrics:
        """The ``loss``, and ``accuracy`` and ``auc`` (area under the ROC curve), both in [0, 1]."""
        logits, labels = self.model(batch["features"]), batch["label"]
        return {
            "loss": nn.functional.binary_cross_entropy_with_logits(logits, labels),
            "accuracy": ((logits > 0) == (labels > 0)).float().mean(),
            "auc": _auc(logits, labels > 0),
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from features (B, 8) to the probability of class 1 (B,)."""
        module = nn.Sequential(self.model, nn.Sigmoid()).cpu().eval()
        return module, self._data.arrays["features"][:2]


def _auc(scores: Tensor, positive: Tensor) -> Tensor:
    """The share of pairs in which a positive scores above a negative; ties count one half."""
    gaps = scores[positive][:, None] - scores[~positive][None, :]
    return (gaps.sign().mean() + 1) / 2


class DiabetesMlp(Task[DiabetesSpace]):
    """Binary classification, ranked by accuracy."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Loads the 759 rows as published in the course's repository."""
        return diabetes.load(data_dir)

    def problem(
        self, config: DiabetesSpace, data: Dataset, device: torch.device
    ) -> DiabetesProblem:
        """The rows of each split and a fresh network."""
        return DiabetesProblem(config, data, device)


TASK = DiabetesMlp()
