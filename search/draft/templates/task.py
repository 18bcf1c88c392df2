"""Breast cancer: a small network tells malignant tumours from benign ones."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Split
from tuneyard.spaces import Float, Int
from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.optimizers import Adam, Optimizer
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.objective import Objective
from tuneyard.trainables import Batch, Metrics, Problem, Task


class BreastCancerSpace(TrainingSpace):
    """Breast cancer: a small network tells malignant tumours from benign ones.

    A field with a domain, a choice or a bool is searched; its default is the baseline, which the
    first trial trains. TrainingSpace brings more of them: schedule, l1, clip_norm, patience.
    """

    hidden: Annotated[int, Int(4, 128, log=True)] = 16
    dropout: Annotated[float, Float(0.0, 0.6)] = 0.0
    optimizer: Optimizer = Adam(lr=1e-3)  # which one is searched, and the fields of each
    batch_size: Literal[16, 32, 64, 128] = 32
    epochs: int = 20  # not searched


class BreastCancerProblem(Problem):
    """One config made ready: a fresh network, and the tensors of each split."""

    def __init__(self, config: BreastCancerSpace, data: Dataset, device: torch.device) -> None:
        self.device, self._data = device, data
        self.model = nn.Sequential(
            nn.BatchNorm1d(30, affine=False, momentum=None),  # scales by the train split alone
            nn.Linear(30, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, 1),
            nn.Flatten(0),
        ).to(device)

    def build_tensors(self, split: Split) -> Batch:
        """Called once for each split; the loop cuts the batches, and keeps test for the winner."""
        rows = self._data.splits[split]
        arrays = {name: array[rows] for name, array in self._data.arrays.items()}
        return {name: torch.tensor(array, device=self.device) for name, array in arrays.items()}

    def loss(self, batch: Batch) -> Tensor:
        """What the optimizer makes small, for one batch."""
        logits, label = self.model(batch["features"]), batch["label"].float()
        return nn.functional.binary_cross_entropy_with_logits(logits, label)

    def evaluate(self, batch: Batch) -> Metrics:
        """Called with a whole split: on val they become val_loss and val_accuracy."""
        right = (self.model(batch["features"]) > 0) == (batch["label"] > 0)
        return {"loss": self.loss(batch), "accuracy": right.float().mean()}

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """The module for the model registry, and an example of its input, (2, 30)."""
        module = nn.Sequential(self.model, nn.Sigmoid()).cpu().eval()
        return module, self._data.arrays["features"][:2]


class BreastCancer(Task[BreastCancerSpace]):
    """Loads the data, and makes configs ready."""

    description = TaskDescription(
        name="breast-cancer",
        space=BreastCancerSpace,
        objective=Objective("val_accuracy", "max"),  # what ranks the trials
        module=__name__,
    )

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Called once: raw arrays, and the rows of each split."""
        X, y = load_breast_cancer(return_X_y=True)  # (569, 30), (569,)
        rows, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=0, stratify=y)
        train, val = train_test_split(rows, test_size=0.25, random_state=0, stratify=y[rows])
        arrays = {"features": X.astype(np.float32), "label": y.astype(np.int64)}
        splits: dict[Split, np.ndarray] = {"train": train, "val": val, "test": test}
        classes = ("malignant", "benign")
        return Dataset("breast-cancer", arrays, splits, classes, stratify="label", source="package")

    def problem(self, config: BreastCancerSpace, data: Dataset, device: torch.device) -> Problem:
        """Called once for each trial."""
        return BreastCancerProblem(config, data, device)
