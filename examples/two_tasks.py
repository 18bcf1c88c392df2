"""Two tasks in one file: tuneyard search examples/two_tasks.py:Deep, or :Linear.

Their data comes from a file beside this one, which travels to the workers with it.
"""

from typing import Annotated

import torch
from torch import nn
from two_tasks_data import Data, load_data, measured

from tuneyard.spaces import Float, Int, SearchSpace
from tuneyard.trainables import Trial


class Wine:
    """What both tasks share: a class without `train` is no task."""

    objective = "min loss"
    load_data = load_data

    @staticmethod
    def fit(model: nn.Module, lr: float, epochs: int, trial: Trial, data: Data) -> None:
        """Trains a model, all rows in one batch."""
        X, y = data["train"]
        optimizer = torch.optim.Adam(model.parameters(), lr)
        trial.keep(model=model, optimizer=optimizer)
        for _ in trial.epochs(epochs):
            model.train()
            loss = nn.functional.cross_entropy(model(X), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            trial.report(train_loss=loss, **measured(model, data["val"]))

    @staticmethod
    def test(config: SearchSpace, model: nn.Module, data: Data) -> dict[str, float]:
        """Called once, with the best trial's model as of its best epoch."""
        del config
        return measured(model, data["test"])


class Linear(Wine):
    """One linear layer."""

    class Space(SearchSpace):
        """One number."""

        lr: Annotated[float, Float(1e-4, 1.0, log=True)] = 1e-2
        epochs: int = 100

    @staticmethod
    def train(config: Space, trial: Trial, data: Data) -> None:
        """Trains one config."""
        Wine.fit(nn.Linear(13, 3), config.lr, config.epochs, trial, data)


class Deep(Wine):
    """A layer before it, with dropout."""

    class Space(SearchSpace):
        """Three numbers."""

        lr: Annotated[float, Float(1e-4, 1.0, log=True)] = 1e-2
        hidden: Annotated[int, Int(4, 128, log=True)] = 16
        dropout: Annotated[float, Float(0.0, 0.6)] = 0.0
        epochs: int = 100

    @staticmethod
    def train(config: Space, trial: Trial, data: Data) -> None:
        """Trains one config."""
        width, dropout = config.hidden, nn.Dropout(config.dropout)
        model = nn.Sequential(nn.Linear(13, width), nn.ReLU(), dropout, nn.Linear(width, 3))
        Wine.fit(model, config.lr, config.epochs, trial, data)
