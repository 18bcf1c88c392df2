"""Handwritten digits, read by a small ViT: tuneyard search examples/transformers_task.py."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import StackDataset
from transformers import EvalPrediction, Trainer, TrainingArguments
from transformers import ViTConfig as Config
from transformers import ViTForImageClassification as Model

from tuneyard.spaces import Float, SearchSpace
from tuneyard.trainables import Trial
from tuneyard.trainables.script.transformers import TrialCallback

objective = "max eval_accuracy"
Data = dict[str, StackDataset]  # by split: pixel_values (N, 1, 8, 8) and labels (N,)


class Space(SearchSpace):
    """A field with a domain or a choice is searched; its default is the baseline."""

    learning_rate: Annotated[float, Float(1e-4, 1e-2, log=True)] = 1e-3
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    width: Literal[16, 32, 64] = 32
    layers: Literal[1, 2] = 1
    epochs: int = 8  # not searched


def load_data(data_dir: Path | None) -> Data:
    """Called once for a search; the data comes with scikit-learn."""
    X, y = load_digits(return_X_y=True)  # (1797, 64), (1797,)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.2, random_state=0, stratify=y)
    X, X_val, y, y_val = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)
    parts = {"train": (X, y), "val": (X_val, y_val), "test": (X_test, y_test)}
    return {name: images(x, labels) for name, (x, labels) in parts.items()}


def images(X: np.ndarray, labels: np.ndarray) -> StackDataset:
    """Rows as the model takes them."""
    pixels = torch.tensor(X).float().reshape(-1, 1, 8, 8)
    return StackDataset(pixel_values=pixels, labels=torch.tensor(labels))


def accuracy(found: EvalPrediction) -> dict[str, float]:
    """The trainer calls it eval_accuracy."""
    return {"accuracy": float(np.mean(found.predictions.argmax(1) == found.label_ids))}


def train(config: Space, trial: Trial, data: Data) -> None:
    """Called once for each trial, and where a trial goes on after an interruption."""
    vit = Config(image_size=8, patch_size=2, num_channels=1, num_labels=10, num_attention_heads=4)
    vit.hidden_size, vit.intermediate_size = config.width, 2 * config.width
    vit.num_hidden_layers = config.layers
    options = TrainingArguments(
        output_dir=str(trial.folder),
        num_train_epochs=config.epochs,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        per_device_train_batch_size=16,
        per_device_eval_batch_size=360,
        eval_strategy="epoch",
        seed=trial.seed,
        use_cpu=trial.device.type == "cpu",
        report_to="none",
        disable_tqdm=True,
    )
    callback = TrialCallback(trial)
    sets = {"train_dataset": data["train"], "eval_dataset": data["val"]}
    trainer = Trainer(Model(vit), options, **sets, compute_metrics=accuracy, callbacks=[callback])
    trainer.train(resume_from_checkpoint=callback.checkpoint)


def test(config: Space, model: Model, data: Data) -> dict[str, float]:
    """Called once, with the best trial's model as of its best epoch."""
    rows = data["test"][:]
    right = model(rows["pixel_values"]).logits.argmax(1) == rows["labels"]
    return {"accuracy": right.float().mean().item()}


class Logits(nn.Module):
    """What is registered: a tensor in, a tensor out."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """From (B, 1, 8, 8) to (B, 10)."""
        return self.model(images).logits


def export(config: Space, model: Model) -> tuple[nn.Module, np.ndarray]:
    """The module to register, and an example of its input."""
    return Logits(model), np.zeros((2, 1, 8, 8), dtype=np.float32)
