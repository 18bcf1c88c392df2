"""Wine by its chemistry: the data of both tasks in `two_tasks.py`."""

from pathlib import Path

import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

Data = dict[str, tuple[Tensor, Tensor]]  # by split: features (N, 13) and classes (N,)


def load_data(data_dir: Path | None) -> Data:
    """Called once for a search; the data is part of scikit-learn."""
    del data_dir
    X, y = load_wine(return_X_y=True)  # (178, 13), (178,)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)
    X, X_val, y, y_val = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)
    mean, deviation = X.mean(0), X.std(0)
    parts = {"train": (X, y), "val": (X_val, y_val), "test": (X_test, y_test)}
    return {
        name: (torch.tensor((x - mean) / deviation).float(), torch.tensor(classes))
        for name, (x, classes) in parts.items()
    }


def measured(model: nn.Module, part: tuple[Tensor, Tensor]) -> dict[str, float]:
    """The cross-entropy, and the share of rows whose class the model gets right, in [0, 1]."""
    model.eval()
    with torch.no_grad():
        logits = model(part[0])
    loss = nn.functional.cross_entropy(logits, part[1])
    return {"loss": float(loss), "accuracy": float((logits.argmax(1) == part[1]).float().mean())}
