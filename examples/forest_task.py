"""Tumours told apart by a forest of scikit-learn that grows: a small one shows what is hopeless."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import train_test_split

from tuneyard.spaces import Float, Int, SearchSpace
from tuneyard.trainables import Trial

Data = dict[str, tuple[np.ndarray, np.ndarray]]  # by split: features (N, 30) and labels (N,)
objective = "max accuracy"


class Space(SearchSpace):
    """What is searched."""

    depth: Annotated[int, Int(1, 16)] = 2
    leaf: Annotated[int, Int(1, 64, log=True)] = 8
    features: Annotated[float, Float(0.05, 1.0)] = 0.2
    criterion: Literal["gini", "entropy"] = "gini"
    steps: int = 10


def load_data(data_dir: Path | None) -> Data:
    """Called once for a search; the data is part of scikit-learn."""
    del data_dir
    X, y = load_breast_cancer(return_X_y=True)  # (569, 30), (569,)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)
    X, X_val, y, y_val = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)
    return {"train": (X, y), "val": (X_val, y_val), "test": (X_test, y_test)}


def train(config: Space, trial: Trial, data: Data) -> None:
    """Grows one forest, ten trees at a time; to `trial.epochs` each time is an epoch."""
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
    for step in trial.epochs(config.steps):
        model.set_params(n_estimators=10 * step).fit(*data["train"])
        trial.report(accuracy=model.score(*data["val"]))


def test(config: Space, model: ExtraTreesClassifier, data: Data) -> dict[str, float]:
    """Called once, with the best trial's forest as of its best step."""
    del config
    return {"accuracy": model.score(*data["test"])}
