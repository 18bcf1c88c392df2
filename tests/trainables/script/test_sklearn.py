"""Trials that fit an estimator of scikit-learn, which is fitted again for the winner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from tuneyard.spaces import Int, SearchSpace
from tuneyard.spaces.code.describe import describe_functions
from tuneyard.trainables.script.script import Script
from tuneyard.trainables.script.training import ScriptTraining
from tuneyard.trainables.script.trial import Trial
from tuneyard.trainables.training.checkpoint import load_training, save_checkpoint

CPU = torch.device("cpu")
Arrays = dict[str, np.ndarray]
Train = Callable[..., list[dict[str, float]]]


class Space(SearchSpace):
    kind: Literal["forest", "machine"] = "forest"
    trees: Annotated[int, Int(1, 50)] = 10


def load_data(data_dir: Path | None) -> Arrays:
    X, y = make_classification(200, flip_y=0.2, random_state=0)
    return {"X": X[:100], "y": y[:100], "X_val": X[100:], "y_val": y[100:]}


def build(config: Space) -> Any:
    """The forest's randomness comes from NumPy's global generator."""
    if config.kind == "machine":
        return make_pipeline(StandardScaler(), SVC())
    return RandomForestClassifier(config.trees)


def fit(config: Space, trial: Trial, data: Arrays) -> None:
    model = build(config).fit(data["X"], data["y"])
    trial.keep(model=model)
    trial.report(accuracy=model.score(data["X_val"], data["y_val"]))


def grow(config: Space, trial: Trial, data: Arrays) -> None:
    """A forest that gets more trees with each report."""
    model = RandomForestClassifier(0, warm_start=True)
    trial.keep(model=model)
    for trees in range(1, 7):
        model.set_params(n_estimators=trees).fit(data["X"], data["y"])
        trial.report(accuracy=model.score(data["X_val"], data["y_val"]))


def test(config: Space, model: Any, data: Arrays) -> dict[str, float]:
    return {"accuracy": model.score(data["X_val"], data["y_val"])}


test.__test__ = False  # type: ignore[attr-defined]  # it is the task's, not pytest's


def script(train: Callable[..., None], objective: str = "max accuracy") -> Script:
    functions = SimpleNamespace(
        train=train, load_data=load_data, test=test, Space=Space, objective=objective
    )
    found = describe_functions(functions, "m", "", place="m", name="m", origin="m")
    return Script(found, functions)


def start(task: Script, config: Space) -> ScriptTraining:
    return task.start(config, [task.load(None, None)], seed=1, device=CPU)


def finish(task: Script, config: Space, training: ScriptTraining, folder: Path) -> Any:
    save_checkpoint(folder, training, {}, {})
    assert training.best is not None
    return task.finish(
        config,
        task.load(None, None),
        checkpoint=folder,
        folds=1,
        epochs=training.best.epoch,
        seed=1,
        device=CPU,
    )


@pytest.mark.parametrize("kind", ["forest", "machine"])
def test_the_winner_is_fitted_again_as_it_was(
    train: Train, tmp_path: Path, kind: Literal["forest", "machine"]
) -> None:
    task, config = script(fit), Space(kind=kind)
    training = start(task, config)
    curve = train(training)
    assert (training.ended, training.epoch) == ("completed", 1)
    final = finish(task, config, training, tmp_path)
    assert type(final.model) is type(build(config))
    assert final.example is None
    assert final.metrics == {"test_accuracy": curve[0]["accuracy"]}


def test_the_winner_is_as_of_its_best_report(train: Train, tmp_path: Path) -> None:
    # a forest gets better with more trees, so the worst is not the last
    task, config = script(grow, "min accuracy"), Space()
    training = start(task, config)
    curve = [epoch["accuracy"] for epoch in train(training) if epoch]
    assert training.best is not None
    assert training.best.epoch == np.argmin(curve) + 1
    assert training.best.epoch < 6
    final = finish(task, config, training, tmp_path)
    assert len(final.model.estimators_) == training.best.epoch
    assert final.metrics == {"test_accuracy": min(curve)}


def test_an_interrupted_trial_starts_anew(train: Train, tmp_path: Path) -> None:
    task, config = script(grow), Space()
    whole = train(start(task, config))
    before = start(task, config)
    train(before, 3)
    save_checkpoint(tmp_path, before, {}, {})
    before.close()
    again = start(task, config)
    load_training(tmp_path, again)
    assert train(again) == whole
