"""Breast cancer: a small network tells malignant tumours from benign ones."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from tuneyard.spaces import Float, Int, SearchSpace
from tuneyard.trainables import Trial

Data = dict[str, Tensor]


class Space(SearchSpace):
    """What is searched.

    A field with a domain, a choice or a bool is searched; its default is the baseline, which the
    first trial trains. Every other field keeps its value.
    """

    lr: Annotated[float, Float(1e-4, 1e-1, log=True)] = 1e-3
    hidden: Annotated[int, Int(4, 128, log=True)] = 16
    dropout: Annotated[float, Float(0.0, 0.6)] = 0.0
    batch_size: Literal[16, 32, 64, 128] = 32
    epochs: int = 20


# What ranks the trials: "max METRIC" or "min METRIC", where METRIC is a name that `train` reports.
objective = "max accuracy"


def load_data(data_dir: Path | None) -> Data:
    """Optional. Called once; what it returns is the third argument of `train`."""
    del data_dir  # the folder of --data-dir, for data that scikit-learn does not bring along
    X, y = load_breast_cancer(return_X_y=True)  # (569, 30), (569,)
    # trials are compared on the val part; the test part is for the winner alone
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)
    X, X_val, y, y_val = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)
    arrays = {"X": X, "y": y, "X_val": X_val, "y_val": y_val, "X_test": X_test, "y_test": y_test}
    return {name: torch.tensor(array, dtype=torch.float32) for name, array in arrays.items()}


def train(config: Space, trial: Trial, data: Data) -> None:
    """Trains one config, and reports after each epoch how good it is."""
    data = {name: tensor.to(trial.device) for name, tensor in data.items()}
    model = nn.Sequential(
        nn.BatchNorm1d(30, affine=False, momentum=None),  # scales by the training data alone
        nn.Linear(30, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, 1),
        nn.Flatten(0),
    ).to(trial.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr)
    # what a checkpoint holds; if the trial was interrupted, both are restored here
    trial.keep(model=model, optimizer=optimizer)
    # 1, 2, ...; it goes on where the trial was interrupted, and ends early where it is pruned
    for _epoch in trial.epochs(config.epochs):
        model.train()
        for rows in torch.randperm(len(data["y"])).split(config.batch_size):
            logits = model(data["X"][rows])
            loss = nn.functional.binary_cross_entropy_with_logits(logits, data["y"][rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        trial.report(accuracy=accuracy(model, data["X_val"], data["y_val"]), loss=loss.item())


def test(config: Space, model: nn.Module, data: Data) -> dict[str, float]:
    """Optional. Called once, for the winner; it is recorded as test_accuracy."""
    del config  # what the model was trained with
    return {"accuracy": accuracy(model.cpu(), data["X_test"], data["y_test"])}


def export(config: Space, model: nn.Module) -> tuple[nn.Module, np.ndarray]:
    """Optional. The module for the model registry, and an example of its input, (2, 30)."""
    del config
    return nn.Sequential(model, nn.Sigmoid()).cpu().eval(), np.ones((2, 30), dtype=np.float32)


def accuracy(model: nn.Module, X: Tensor, y: Tensor) -> float:
    """The share of rows whose class the model gets right, in [0, 1]."""
    model.eval()
    with torch.no_grad():
        return float(((model(X) > 0) == (y > 0)).float().mean())
