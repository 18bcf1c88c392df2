"""Tumours told apart by scikit-learn: tuneyard search examples/sklearn_task.py."""

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from tuneyard.spaces import Float, Int, SearchSpace
from tuneyard.trainables import Trial

objective = "max accuracy"
Data = dict[str, np.ndarray]  # features (N, 30) and labels (N,) of the train and the test part


class Machine(SearchSpace):
    """A support vector machine on scaled features."""

    kind: Literal["machine"] = "machine"
    C: Annotated[float, Float(1e-2, 1e3, log=True)] = 1.0
    gamma: Annotated[float, Float(1e-5, 1.0, log=True)] = 0.01


class Forest(SearchSpace):
    """A random forest."""

    kind: Literal["forest"] = "forest"
    trees: Annotated[int, Int(10, 100, log=True)] = 50
    depth: Annotated[int, Int(2, 12)] = 6


class Space(SearchSpace):
    """Which of the two is searched, too, and each with its own hyperparameters."""

    model: Annotated[Machine | Forest, Field(discriminator="kind")] = Machine()


def load_data(data_dir: Path | None) -> Data:
    """Called once for a search; the data comes with scikit-learn."""
    X, y = load_breast_cancer(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)
    return {"X": X, "y": y, "X_test": X_test, "y_test": y_test}


def estimator(config: Space, seed: int) -> Any:
    """What is fitted."""
    chosen = config.model
    if isinstance(chosen, Forest):
        return RandomForestClassifier(chosen.trees, max_depth=chosen.depth, random_state=seed)
    return make_pipeline(StandardScaler(), SVC(C=chosen.C, gamma=chosen.gamma))


def train(config: Space, trial: Trial, data: Data) -> None:
    """Called once for each trial, and once more for the best one."""
    model = estimator(config, trial.seed)
    scores = cross_val_score(model, data["X"], data["y"], cv=3)
    trial.keep(model=model.fit(data["X"], data["y"]))
    trial.report(accuracy=scores.mean(), accuracy_std=scores.std())


def test(config: Space, model: Any, data: Data) -> dict[str, float]:
    """Called once, with the best trial's model."""
    return {"accuracy": model.score(data["X_test"], data["y_test"])}
