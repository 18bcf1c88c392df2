"""The examples of Lightning, Transformers and scikit-learn, searched on a real Ray."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from sklearn.datasets import load_breast_cancer, load_digits

from tuneyard.search import SearchError, Settings
from tuneyard.search.api import search
from tuneyard.search.models.champions import find_champion
from tuneyard.search.models.predict import ServedModel, load_version
from tuneyard.search.results.result import SearchResult
from tuneyard.search.spec.files import parse_spec
from tuneyard.spaces.registry import open_file

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

pytestmark = pytest.mark.usefixtures("local_ray")


def run(settings: Settings, task: str, **values: object) -> SearchResult:
    """A search of two trials in which all that can be is tested and registered."""
    name = open_file(str(EXAMPLES / f"{task}.py")).name
    few = {"trials": 2, "max_concurrent_trials": 1, "seed": 1}
    result = search(parse_spec({"task": name, **few, **values}), settings)
    assert (result.state, result.trials["failed"]) == ("completed", 0)
    assert result.best is not None
    assert result.best.test.keys() == {"test_accuracy"}
    logged = MlflowClient(settings.tracking_uri).get_run(result.best.mlflow_run_id)
    assert logged.data.metrics["test_accuracy"] == result.best.test["test_accuracy"]
    return result


def champion(settings: Settings, result: SearchResult) -> ServedModel:
    """The version that the search registered, loaded again."""
    assert result.best is not None
    client = MlflowClient(settings.tracking_uri)
    version = find_champion(client, result.task)
    assert version is not None
    assert version.run_id == result.best.mlflow_run_id
    return load_version(client, version)


def accuracy(digits: np.ndarray) -> float:
    """The share of all digits of scikit-learn that are told right."""
    right: np.ndarray = digits == load_digits().target
    return float(right.mean())


def test_lightning(settings: Settings) -> None:
    result = run(settings, "lightning_task", scheduler={"kind": "asha", "grace_period": 2})
    assert result.best is not None
    assert result.best.test["test_accuracy"] > 0.8
    images = (load_digits().data / 16).astype(np.float32)
    logits = np.array(champion(settings, result).predict(images))
    assert accuracy(logits.argmax(1)) > 0.8


def test_transformers(settings: Settings) -> None:
    space = {"layers": 1, "width": 32, "epochs": 6}
    result = run(settings, "transformers_task", space=space, scheduler="asha")
    assert result.best is not None
    assert result.best.test["test_accuracy"] > 0.7
    images = (load_digits().data / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    logits = np.array(champion(settings, result).predict(images))
    assert accuracy(logits.argmax(1)) > 0.7


def test_a_support_vector_machine(settings: Settings) -> None:
    result = run(settings, "sklearn_task", space={"model.kind": "machine"})
    assert result.best is not None
    assert result.best.test["test_accuracy"] > 0.9
    X, y = load_breast_cancer(return_X_y=True)
    answers = champion(settings, result).predict(X)
    assert np.mean(np.array(answers) == y) > 0.9


def test_a_random_forest(settings: Settings) -> None:
    """Its trees are registered; loading them is for whoever trusts the file."""
    result = run(settings, "sklearn_task", space={"model.kind": "forest"})
    assert result.best is not None
    assert result.best.test["test_accuracy"] > 0.9
    with pytest.raises(SearchError, match=r"it holds sklearn\.tree\._tree\.Tree"):
        champion(settings, result)
