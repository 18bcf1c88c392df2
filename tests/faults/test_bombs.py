"""A pickle that runs code, as checkpoint, as registered model, as data: refused each time."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow.artifacts
import pytest
import torch

from tuneyard.search import SearchError, Settings
from tuneyard.search.api import resume, search
from tuneyard.search.models.predict import load_version
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.tracking.client import connect

SPEC = {"task": "linear-regression", "name": "mine", "trials": 2, "space": {"epochs": 3}}


class Bomb:
    """An object that makes a file when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self._proof = proof

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self._proof,)


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    """Is there if a bomb has gone off; that it would go off is shown first."""
    tried = tmp_path / "tried"
    pickle.loads(pickle.dumps(Bomb(tried)))
    assert tried.exists()
    return tmp_path / "proof"


@pytest.mark.parametrize("kind", ["a pickle", "an archive of torch"])
def test_as_a_checkpoint(settings: Settings, place: Any, proof: Path, kind: str) -> None:
    """Of the best trial, which a driver that goes on tests."""
    search(parse_spec(SPEC), settings)
    folder = place.folder("mine")
    for name in ("explored.json", "tested.json", "result.json"):
        (folder / name).unlink()
    for weights in folder.glob("checkpoints/*/*/model.pt"):
        if kind == "a pickle":
            weights.write_bytes(pickle.dumps(Bomb(proof), protocol=2))
        else:
            torch.save([{"weight": Bomb(proof)}], weights)
    client = connect(settings.tracking_uri)
    (run,) = client.search_runs(["1"], "tags.`tuneyard.task` LIKE '%'")
    client.set_tag(run.info.run_id, "tuneyard.state", "interrupted")
    result = resume("mine", settings)
    assert not proof.exists()
    assert result.best is not None
    assert result.best.test == {}, "what can't be loaded is not tested"


@pytest.mark.parametrize("name", ["data/model.pth", "data/model.pt2"])
def test_as_a_registered_model(settings: Settings, proof: Path, name: str) -> None:
    search(parse_spec(SPEC), settings)
    client = connect(settings.tracking_uri)
    version = client.get_model_version("tuneyard-linear-regression", "1")
    where = client.get_model_version_download_uri(version.name, version.version)
    files = Path(mlflow.artifacts.download_artifacts(where, tracking_uri=settings.tracking_uri))
    (files / "data" / "model.pt2").unlink()
    (files / name).parent.mkdir(exist_ok=True)
    (files / name).write_bytes(pickle.dumps(Bomb(proof)))
    described = files / "MLmodel"
    described.write_text(described.read_text().replace("model.pt2", Path(name).name))
    with pytest.raises(SearchError) as refused:
        load_version(client, version)
    assert len(str(refused.value).splitlines()) == 1
    assert not proof.exists()


def test_as_a_file_of_data(settings: Settings, place: Any, proof: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("diabetes.csv", "diabetes.csv.gz", "names.zip", "train-images-idx3-ubyte.gz"):
        (data / name).write_bytes(pickle.dumps(Bomb(proof)))
    for task in ("diabetes", "names-gru", "mnist-mlp"):
        done = place.run("search", task, "--trials", "1", "--data-dir", str(data))
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
    assert not proof.exists()
