"""Estimators of scikit-learn in a real MLflow: registered without a pickle, loaded, asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow.artifacts
import numpy as np
import pytest
import skops.io
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from tuneyard.search.errors import SearchError
from tuneyard.search.models.predict import as_array, load_version, predict
from tuneyard.search.tracking.tags import VersionTags
from tuneyard.trainables.searchable import FinalModel

ROWS = np.random.default_rng(0).normal(size=(60, 3))
LABELS = np.where(ROWS[:, 0] + ROWS[:, 1] > 0, "malignant", "benign")


@pytest.fixture
def registered(store: MlflowClient, register_final: Any) -> Callable[..., ModelVersion]:
    """Registers an estimator of a task of two classes."""

    def make(model: Any, example: np.ndarray | None = None) -> ModelVersion:
        found = store.get_experiment_by_name("tuneyard/tiny")
        where = found.experiment_id if found else store.create_experiment("tuneyard/tiny")
        run_id = store.create_run(where).info.run_id
        tags = VersionTags.decode({"tuneyard.classes": json.dumps(["benign", "malignant"])})
        found_version: ModelVersion = register_final(
            store, FinalModel(model, example), "tiny", run_id, tags
        )
        return found_version

    return make


def files(store: MlflowClient, version: ModelVersion) -> list[Path]:
    where = store.get_model_version_download_uri(version.name, version.version)
    folder = mlflow.artifacts.download_artifacts(where, tracking_uri=store.tracking_uri)
    return [path for path in Path(folder).rglob("*") if path.is_file()]


def test_a_pipeline_is_loaded_and_asked(store: MlflowClient, registered: Any) -> None:
    model = make_pipeline(StandardScaler(), SVC()).fit(ROWS, LABELS)
    version = registered(model)
    held = files(store, version)
    assert "model.skops" in {path.name for path in held}
    assert not [path for path in held if path.suffix in (".pkl", ".pickle", ".joblib")]

    served = load_version(store, version)
    assert (served.name, served.version) == ("tuneyard-tiny", "1")
    assert (served.shape, str(served.dtype), served.classes) == ((-1, 3), "float64", None)
    answers = served.predict(as_array(ROWS.tolist(), served.shape, served.dtype))
    assert answers == model.predict(ROWS).tolist()
    # the task's file is not here
    assert predict(served, "tiny", ROWS.tolist()) == answers
    with pytest.raises(SearchError, match="inputs must be nx3 finite numbers"):
        predict(served, "tiny", [[1.0, 2.0]])


def test_an_example_says_what_the_inputs_are(store: MlflowClient, registered: Any) -> None:
    example = ROWS[:2].astype(np.float32)
    model = Ridge().fit(ROWS, ROWS.sum(1))
    served = load_version(store, registered(model, example))
    assert (served.shape, str(served.dtype)) == ((-1, 3), "float32")
    assert served.predict(example) == pytest.approx(example.sum(1).tolist(), abs=0.1)


def test_what_an_estimator_can_not_take_is_one_line(store: MlflowClient, registered: Any) -> None:
    served = load_version(store, registered(Ridge().fit(ROWS, ROWS.sum(1))))
    with pytest.raises(SearchError, match="can't be taken by tuneyard-tiny") as raised:
        served.predict(np.ones((1, 7)))
    assert len(str(raised.value).splitlines()) == 1


def test_trees_are_registered_and_whoever_loads_them_says_so(
    store: MlflowClient, registered: Any
) -> None:
    """A forged tree can crash the process that asks it; see skops' list of types."""
    model = RandomForestClassifier(5, random_state=0).fit(ROWS, LABELS)
    version = registered(model)
    with pytest.raises(SearchError, match=r"can't be loaded: it holds sklearn\.tree") as raised:
        load_version(store, version)
    assert len(str(raised.value).splitlines()) == 1

    (archive,) = [path for path in files(store, version) if path.name == "model.skops"]
    again = skops.io.load(archive, trusted=["sklearn.tree._tree.Tree"])
    assert again.predict(ROWS).tolist() == model.predict(ROWS).tolist()


def test_code_of_others_is_not_registered(store: MlflowClient, registered: Any) -> None:
    model = make_pipeline(FunctionTransformer(json.dumps), Ridge())
    with pytest.raises(SearchError, match=r"skops can't store json\.dumps safely"):
        registered(model)
