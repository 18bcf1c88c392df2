"""The best model in a real MLflow: as it was, without pickles, champion only if it is better."""

import json
import os
from pathlib import Path
from typing import Any, Literal

import mlflow
import mlflow.pyfunc
import numpy as np
import pytest
import torch
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tuneyard.search.errors import SearchError
from tuneyard.search.models.champions import CHAMPION, find_champion, model_name
from tuneyard.search.models.registry import promote, save
from tuneyard.search.tracking.tags import VersionTags
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.training.evaluate import FinalModel

TAGS = {
    "tuneyard.search": "my-search",
    "tuneyard.metric": "val_loss",
    "tuneyard.value": "0.5",
    "tuneyard.data": "abc",
    "tuneyard.folds": "1",
}
VERSION = VersionTags.decode(TAGS)


def final_model() -> FinalModel:
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    example = np.arange(6, dtype=np.float32).reshape(2, 3)
    return FinalModel(module.eval(), example, {"test_loss": 0.5})


def ended_run(client: MlflowClient, status: str = "FINISHED") -> str:
    """A trial's run, ended some time ago."""
    found = client.get_experiment_by_name("tuneyard/tiny")
    where = found.experiment_id if found else client.create_experiment("tuneyard/tiny")
    run_id = client.create_run(where, start_time=1_000_000).info.run_id
    client.set_terminated(run_id, status, end_time=1_234_567)
    return str(run_id)


@pytest.fixture
def registered(store: MlflowClient, register_final: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A registered model's version."""
    run_id = ended_run(store, "KILLED")
    version = register_final(store, final_model(), "tiny", run_id, VERSION)
    # who loads it names the store
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.tracking_uri)
    return version


def test_a_registered_model(store: MlflowClient, registered: Any, tmp_path: Path) -> None:
    assert (registered.name, int(registered.version)) == (model_name("tiny"), 1)
    assert store.get_model_version("tuneyard-tiny", "1").tags == TAGS
    uri = "models:/tuneyard-tiny/1"
    info = mlflow.models.get_model_info(uri)
    assert info.signature is not None
    assert [str(part.type) for part in info.signature.inputs.inputs] == ["float32"]
    assert [part.shape for part in info.signature.inputs.inputs] == [(-1, 3)]
    assert [part.shape for part in info.signature.outputs.inputs] == [(-1, 1)]

    final = final_model()
    rows = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    with torch.no_grad():
        expected = final.model(torch.tensor(rows)).numpy()
    pyfunc = mlflow.pyfunc.load_model(uri)
    np.testing.assert_allclose(pyfunc.predict(rows), expected, rtol=1e-6)
    with torch.no_grad():
        again = mlflow.pytorch.load_model(uri)(torch.tensor(rows)).numpy()
    np.testing.assert_allclose(again, expected, rtol=1e-6)

    files = list(Path(mlflow.artifacts.download_artifacts(uri)).rglob("*"))
    assert not [path for path in files if path.suffix in (".pkl", ".pickle", ".pth", ".joblib")]
    (example,) = [path for path in files if path.name == "serving_input_example.json"]
    assert json.loads(example.read_text()) == {"inputs": final.example.tolist()}
    (needs,) = [path for path in files if path.name == "requirements.txt"]
    assert needs.read_text().splitlines()[0].startswith(("mlflow", "torch=="))


def test_the_trials_run_stays_as_it_ended(store: MlflowClient, registered: Any) -> None:
    info = store.get_run(registered.run_id).info
    assert (info.status, info.end_time) == ("KILLED", 1_234_567)
    assert mlflow.active_run() is None


def test_a_model_that_cannot_be_saved_is_one_line(tmp_path: Path) -> None:
    class Strange(torch.nn.Module):
        """Its graph depends on the data, so that there is none to export."""

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return rows if float(rows.sum()) > 1 else -rows

    example = np.ones((2, 3), dtype=np.float32)
    with pytest.raises(SearchError, match="data-dependent") as error:
        save(FinalModel(Strange(), example, {}), tmp_path / "model")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("named", ["nowhere", "environment", "set"])
def test_which_store_is_used_by_default_stays_as_it_was(
    store: MlflowClient, register_final: Any, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    other = "sqlite:////somewhere/else.db"
    try:
        if named == "environment":
            monkeypatch.setenv("MLFLOW_TRACKING_URI", other)
        elif named == "set":
            mlflow.set_tracking_uri(other)
        before = mlflow.get_tracking_uri()
        register_final(store, final_model(), "tiny", ended_run(store), VERSION)
        assert mlflow.get_tracking_uri() == before
        assert os.environ.get("MLFLOW_TRACKING_URI") == (None if named == "nowhere" else other)
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]


def test_a_second_model_is_the_next_version(
    store: MlflowClient, register_final: Any, registered: Any
) -> None:
    again = register_final(store, final_model(), "tiny", ended_run(store), VERSION)
    assert (again.name, int(again.version)) == ("tuneyard-tiny", 2)
    same = register_final(store, final_model(), "tiny", again.run_id, VERSION)
    assert int(same.version) == 2, "a driver that goes on registers nothing twice"


def test_there_is_no_champion_at_first(store: MlflowClient) -> None:
    assert find_champion(store, "tiny") is None
    store.create_registered_model("tuneyard-tiny")
    assert find_champion(store, "tiny") is None


def test_a_server_that_is_away_is_not_taken_for_no_champion() -> None:
    with pytest.raises(MlflowException, match="failed with exception"):
        find_champion(MlflowClient("http://127.0.0.1:9"), "tiny")


CASES: list[tuple[Literal["min", "max"], dict[str, str], str, bool]] = [
    ("min", {"tuneyard.value": "0.4"}, "is the champion", True),
    ("min", {"tuneyard.value": "0.5"}, "version 1 stays champion with val_loss 0.5", False),
    ("min", {"tuneyard.value": "0.6"}, "version 1 stays champion with val_loss 0.5", False),
    ("max", {"tuneyard.value": "0.6"}, "is the champion", True),
    ("max", {"tuneyard.value": "0.4"}, "version 1 stays champion with val_loss 0.5", False),
    ("min", {"tuneyard.value": "0.1", "tuneyard.data": "def"}, "ranked on another metric", False),
    ("min", {"tuneyard.value": "0.1", "tuneyard.folds": "5"}, "ranked on another metric", False),
    ("min", {"tuneyard.value": "0.1", "tuneyard.metric": "val_mse"}, "ranked on another", False),
]


@pytest.mark.parametrize(("mode", "tags", "said", "promoted"), CASES, ids=str)
def test_who_is_champion(
    store: MlflowClient,
    mode: Literal["min", "max"],
    tags: dict[str, str],
    said: str,
    promoted: bool,
) -> None:
    objective = Objective("val_loss", mode)
    store.create_registered_model("tuneyard-tiny")
    first = store.create_model_version("tuneyard-tiny", "file:///nowhere", tags=TAGS)
    assert promote(store, first, objective) == "tuneyard-tiny version 1 is the champion"
    before = find_champion(store, "tiny")
    assert before is not None
    assert int(before.version) == 1
    second = store.create_model_version("tuneyard-tiny", "file:///nowhere", tags=TAGS | tags)
    line = promote(store, second, objective)
    assert said in line
    assert line.startswith("tuneyard-tiny version 2 is ")
    assert len(line.splitlines()) == 1
    now = store.get_model_version_by_alias("tuneyard-tiny", CHAMPION)
    assert int(now.version) == (2 if promoted else 1)


def test_a_champion_that_a_person_chose_stays(store: MlflowClient) -> None:
    store.create_registered_model("tuneyard-tiny")
    store.create_model_version("tuneyard-tiny", "file:///nowhere")
    store.set_registered_model_alias("tuneyard-tiny", CHAMPION, "1")
    second = store.create_model_version("tuneyard-tiny", "file:///nowhere", tags=TAGS)
    line = promote(store, second, Objective("val_loss", "min"))
    assert "version 1 stays champion: it was ranked on another metric, data or folds" in line


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_of_two_that_end_at_once_the_better_is_champion(
    store: MlflowClient, order: tuple[int, int]
) -> None:
    """Both are registered before one of them is promoted, whoever comes first."""
    store.create_registered_model("tuneyard-tiny")
    versions = {
        number: store.create_model_version(
            "tuneyard-tiny", "file:///nowhere", tags=TAGS | {"tuneyard.value": value}
        )
        for number, value in ((1, "0.4"), (2, "0.5"))
    }
    said = {
        number: promote(store, versions[number], Objective("val_loss", "min")) for number in order
    }
    champion = find_champion(store, "tiny")
    assert champion is not None
    assert int(champion.version) == 1
    assert said[1] == "tuneyard-tiny version 1 is the champion"
    assert said[2].endswith("is registered; version 1 stays champion with val_loss 0.4")
