"""Two circles, one within the other: which one is a point of?"""

from pathlib import Path
from typing import Annotated

import torch
from sklearn.datasets import make_circles
from torch import Tensor, nn

from tuneyard.spaces import Float, Int, SearchSpace
from tuneyard.trainables import Trial

Data = dict[str, tuple[Tensor, Tensor]]  # by split: points (N, 2) and circles (N,), 0 or 1
objective = "max accuracy"


class Space(SearchSpace):
    """What is searched."""

    lr: Annotated[float, Float(1e-4, 1.0, log=True)] = 1e-2
    hidden: Annotated[int, Int(2, 64, log=True)] = 8
    epochs: int = 50


def load_data(data_dir: Path | None) -> Data:
    """Called once for a search; the points are drawn."""
    del data_dir
    sizes = {"train": 400, "val": 200, "test": 200}
    drawn = {
        name: make_circles(count, noise=0.1, factor=0.7, random_state=seed)
        for seed, (name, count) in enumerate(sizes.items())
    }
    return {
        name: (torch.tensor(X).float(), torch.tensor(y).float()) for name, (X, y) in drawn.items()
    }


def accuracy(model: nn.Module, part: tuple[Tensor, Tensor]) -> float:
    """The share of points whose circle the model gets right, in [0, 1]."""
    with torch.no_grad():
        return float(((model(part[0]) > 0) == (part[1] > 0)).float().mean())


def train(config: Space, trial: Trial, data: Data) -> None:
    """Trains one config."""
    X, y = data["train"]
    hidden = nn.Linear(2, config.hidden)
    model = nn.Sequential(hidden, nn.ReLU(), nn.Linear(config.hidden, 1), nn.Flatten(0))
    optimizer = torch.optim.Adam(model.parameters(), config.lr)
    trial.keep(model=model, optimizer=optimizer)
    for _ in trial.epochs(config.epochs):
        for rows in torch.randperm(len(y)).split(50):
            loss = nn.functional.binary_cross_entropy_with_logits(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        trial.report(accuracy=accuracy(model, data["val"]), loss=loss)


def test(config: Space, model: nn.Module, data: Data) -> dict[str, float]:
    """Called once, with the best trial's model as of its best epoch."""
    del config
    return {"accuracy": accuracy(model, data["test"])}
