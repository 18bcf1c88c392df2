"""Tumours told apart by a forest of scikit-learn that grows: a small one shows what is hopeless."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from tuneyard.spaces import Float, Int, SearchSpace
from tuneyard.trainables import Trial

Data = dict[str, tuple[np.ndarray, np.ndarray]]  # by split: features (N, 30) and labels (N,)
objective = "min loss"


class Space(SearchSpace):
    """What is searched."""

    depth: Annotated[int, Int(1, 16)] = 2
    leaf: Annotated[int, Int(1, 64, log=True)] = 8
    features: Annotated[float, Float(0.05, 1.0)] = 0.2
    criterion: Literal["gini", "entropy"] = "gini"
    epochs: int = 10


def load_data(data_dir: Path | None) -> Data:
    """Called once for a search; the data is part of scikit-learn."""
    del data_dir
    X, y = load_breast_cancer(return_X_y=True)  # (569, 30), (569,)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)
    X, X_val, y, y_val = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)
    return {"train": (X, y), "val": (X_val, y_val), "test": (X_test, y_test)}


def measured(model: ExtraTreesClassifier, X: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """The cross-entropy, and the share of rows whose class the model gets right, in [0, 1]."""
    return {"loss": log_loss(y, model.predict_proba(X)), "accuracy": model.score(X, y)}


def train(config: Space, trial: Trial, data: Data) -> None:
    """Grows one forest, ten trees at a time; each time an epoch."""
    model = ExtraTreesClassifier(
        warm_start=True,
        max_depth=config.depth,
        min_samples_leaf=config.leaf,
        max_features=config.features,
        criterion=config.criterion,
        random_state=trial.seed,
    )
    # an estimator has no state that a checkpoint could hold: the best one is fitted again
    trial.keep(model=model)
    for epoch in trial.epochs(config.epochs):
        model.set_params(n_estimators=10 * epoch).fit(*data["train"])
        trial.report(**measured(model, *data["val"]))


def test(config: Space, model: ExtraTreesClassifier, data: Data) -> dict[str, float]:
    """Called once, with the best trial's forest as of its best epoch."""
    del config
    return measured(model, *data["test"])
