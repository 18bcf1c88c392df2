"""Breast cancer: a script that keeps its argparse options, of which the space names three."""

import argparse
from pathlib import Path
from typing import Annotated, Literal

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from tuneyard.spaces import Float, Int, SearchSpace
from tuneyard.trainables import Trial

Data = dict[str, tuple[Tensor, Tensor]]  # by split: features (N, 30) and labels (N,)
objective = "max accuracy"


class Space(SearchSpace):
    """The options that are searched; all others keep the defaults of the parser."""

    lr: Annotated[float, Float(1e-4, 1e-1, log=True)] = 1e-3
    hidden: Annotated[int, Int(4, 128, log=True)] = 16
    optimizer: Literal["sgd", "adam"] = "adam"
    epochs: int = 20  # not searched


def parser() -> argparse.ArgumentParser:
    """The options as the script has them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--lr", type=float, default=1e-3)
    options.add_argument("--hidden", type=int, default=16)
    options.add_argument("--optimizer", choices=("sgd", "adam"), default="adam")
    options.add_argument("--epochs", type=int, default=20)
    options.add_argument("--batch-size", type=int, default=32)
    options.add_argument("--dropout", type=float, default=0.2)
    return options


def load_data(data_dir: Path | None) -> Data:
    """Called once for a search; the data is part of scikit-learn."""
    del data_dir
    X, y = load_breast_cancer(return_X_y=True)  # (569, 30), (569,)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)
    X, X_val, y, y_val = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)
    parts = {"train": (X, y), "val": (X_val, y_val), "test": (X_test, y_test)}
    return {
        name: (torch.tensor(x).float(), torch.tensor(t).float()) for name, (x, t) in parts.items()
    }


def accuracy(model: nn.Module, part: tuple[Tensor, Tensor]) -> float:
    """The share of rows whose class the model gets right, in [0, 1]."""
    model.eval()
    with torch.no_grad():
        return float(((model(part[0]) > 0) == (part[1] > 0)).float().mean())


def train(config: Space, trial: Trial, data: Data) -> None:
    """Trains one config."""
    # what the config has wins over the parser's defaults
    args = parser().parse_args([], argparse.Namespace(**config.model_dump()))
    X, y = data["train"]
    model = nn.Sequential(
        nn.BatchNorm1d(30, affine=False, momentum=None),  # scales by the training data alone
        nn.Linear(30, args.hidden),
        nn.ReLU(),
        nn.Dropout(args.dropout),
        nn.Linear(args.hidden, 1),
        nn.Flatten(0),
    )
    kind = torch.optim.Adam if args.optimizer == "adam" else torch.optim.SGD
    optimizer = kind(model.parameters(), lr=args.lr)
    trial.keep(model=model, optimizer=optimizer)
    for _ in trial.epochs(args.epochs):
        model.train()
        for rows in torch.randperm(len(y)).split(args.batch_size):
            loss = nn.functional.binary_cross_entropy_with_logits(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        trial.report(accuracy=accuracy(model, data["val"]), loss=loss)


def test(config: Space, model: nn.Module, data: Data) -> dict[str, float]:
    """Called once, with the best trial's model as of its best epoch."""
    del config
    return {"accuracy": accuracy(model, data["test"])}
