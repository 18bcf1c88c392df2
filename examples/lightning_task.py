"""Handwritten digits, trained by Lightning: tuneyard search examples/lightning_task.py."""

from pathlib import Path
from typing import Annotated

import torch
from lightning.pytorch import LightningModule, Trainer
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tuneyard.spaces import Float, Int, SearchSpace
from tuneyard.trainables import Trial
from tuneyard.trainables.script.lightning import TrialCallback

objective = "max val_accuracy"
Data = dict[str, tuple[Tensor, Tensor]]  # by split: images (N, 64) and digits (N,)


class Space(SearchSpace):
    """A field with a domain is searched; its default is the baseline."""

    hidden: Annotated[int, Int(8, 128, log=True)] = 32
    dropout: Annotated[float, Float(0.0, 0.5)] = 0.0
    lr: Annotated[float, Float(1e-4, 1e-1, log=True)] = 1e-3
    epochs: int = 8  # not searched


class Classifier(LightningModule):
    """A module as it would be without a search."""

    def __init__(self, config: Space) -> None:
        super().__init__()
        self.lr = config.lr
        hidden, dropout = config.hidden, nn.Dropout(config.dropout)
        self.layers = nn.Sequential(
            nn.Linear(64, hidden), nn.ReLU(), dropout, nn.Linear(hidden, 10)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits, (B, 10)."""
        return self.layers(images)

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """The loss of a batch."""
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        """What is logged here is what the trial reports."""
        self.log("val_accuracy", (self(batch[0]).argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Its state is kept, too."""
        return torch.optim.Adam(self.parameters(), lr=self.lr)


def load_data(data_dir: Path | None) -> Data:
    """Called once for a search; the data comes with scikit-learn."""
    X, y = load_digits(return_X_y=True)  # (1797, 64), (1797,)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.2, random_state=0, stratify=y)
    X, X_val, y, y_val = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)
    parts = {"train": (X, y), "val": (X_val, y_val), "test": (X_test, y_test)}
    return {name: (torch.tensor(x).float(), torch.tensor(t)) for name, (x, t) in parts.items()}


def train(config: Space, trial: Trial, data: Data) -> None:
    """Called once for each trial, and where a trial goes on after an interruption."""
    trainer = Trainer(
        max_epochs=config.epochs,
        callbacks=[TrialCallback(trial)],
        accelerator=trial.device.type,
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    batches = DataLoader(TensorDataset(*data["train"]), batch_size=32, shuffle=True)
    trainer.fit(Classifier(config), batches, DataLoader(TensorDataset(*data["val"]), 360))


def test(config: Space, model: Classifier, data: Data) -> dict[str, float]:
    """Called once, with the best trial's model as of its best epoch."""
    images, digits = data["test"]
    return {"accuracy": (model(images).argmax(1) == digits).float().mean().item()}
