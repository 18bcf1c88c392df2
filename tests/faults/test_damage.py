"""Each file of a search cut short or overwritten at random: no traceback, no wrong result."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuneyard.search import Settings
from tuneyard.search.api import resume, search
from tuneyard.search.models.champions import find_result
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.tracking.client import connect

WHOLE = os.environ.get("TUNEYARD_FAULTS") == "whole"
OFFSETS = 50 if WHOLE else 1
TRIALS = 4

FILES = {
    "search.json": "search.json",
    "spec.yaml": "spec.yaml",
    "driver.json": "driver.json",
    "the study": "study.journal",
    "a proposal": "trials/00001.json",
    "the last proposal": "trials/00003.json",
    "an end": "ended/00001.json",
    "the last word of the trials": "explored.json",
    "the test": "tested.json",
    "the result": "result.json",
    "the table": "trials.csv",
    "a config": "checkpoints/{best}/config.json",
    "a history": "checkpoints/{best}/history.json",
    "weights": "checkpoints/{best}/model.pt",
}


@pytest.fixture(scope="module")
def original(
    local_ray: None, mlflow_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A place with a search that has ended."""
    place = tmp_path_factory.mktemp("original")
    shutil.copy(mlflow_database, place / "mlflow.db")
    values = {"task": "linear-regression", "name": "mine", "trials": TRIALS, "seed": 3}
    uri = f"sqlite:///{place / 'mlflow.db'}"
    search(parse_spec(values | {"space": {"epochs": 4}}), Settings(storage=place, tracking_uri=uri))
    return place


@pytest.fixture
def left(original: Path, settings: Settings, place: Any) -> tuple[Settings, Path, dict[str, float]]:
    """The search, where the test may change it, and the values of its trials."""
    folder: Path = place.folder("mine")
    shutil.copytree(original / "mine", folder)
    shutil.copy(original / "mlflow.db", place.path)
    known = {}
    for file in (folder / "ended").glob("*.json"):
        record = json.loads(file.read_text())["record"]
        known[json.dumps(record["params"], sort_keys=True)] = record["value"]
    return settings, folder, known


def spoil(file: Path, draw: random.Random) -> None:
    """Cuts a file short, or overwrites a few of its bytes."""
    content = bytearray(file.read_bytes())
    offset = draw.randrange(len(content))
    if draw.random() < 0.5:
        content = content[:offset]
    else:
        noise = draw.randbytes(draw.randint(1, 8))
        content[offset : offset + len(noise)] = noise
    file.write_bytes(content)


def cut_off(folder: Path, draw: random.Random) -> None:
    """As a driver leaves a search that is killed during its last trial, or after it."""
    if draw.random() < 0.5:
        (folder / "ended/00003.json").unlink()
        for name in ("explored.json", "tested.json"):
            (folder / name).unlink()
        shutil.rmtree(folder / "checkpoints/00003", ignore_errors=True)


def check(folder: Path, known: dict[str, float], result: Any) -> None:
    records = {
        int(file.stem): json.loads(file.read_text())["record"]
        for file in (folder / "ended").glob("*.json")
    }
    assert sorted(records) == list(range(TRIALS))
    for record in records.values():
        params = json.dumps(record["params"], sort_keys=True)
        # a proposal that is lost in the folder and in MLflow is made anew
        assert known.get(params, record["value"]) == record["value"]
    assert result.trials["total"] == TRIALS
    assert result.best.value == min(record["value"] for record in records.values())


@pytest.mark.parametrize("name", FILES)
def test_a_resume_gets_over_it(
    left: tuple[Settings, Path, dict[str, float]],
    tmp_path: Path,
    injected: Callable[..., None],
    name: str,
) -> None:
    settings, folder, known = left
    best = find_result(connect(settings.tracking_uri), "mine").best
    assert best is not None
    (checkpoint,) = (
        path.parent.relative_to(folder / "checkpoints")
        for path in folder.glob("checkpoints/*/*/model.pt")
        if json.loads((path.parent / "config.json").read_text())["best_params"] == best.config
    )
    kept, database = tmp_path / "kept", tmp_path / "kept.db"
    shutil.copytree(folder, kept)
    shutil.copy(tmp_path / "mlflow.db", database)
    for number in range(OFFSETS):
        draw = random.Random(f"{name} {number}")
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        shutil.copy(database, tmp_path / "mlflow.db")
        client = connect(settings.tracking_uri)
        (run,) = client.search_runs(["1"], "tags.`tuneyard.task` LIKE '%'")
        client.set_tag(run.info.run_id, "tuneyard.state", "running")
        client.set_tag(run.info.run_id, "tuneyard.process", "of another driver")
        cut_off(folder, draw)
        file = folder / FILES[name].format(best=checkpoint)
        if not file.exists():
            continue
        spoil(file, draw)
        injected("files of a search cut short or overwritten")
        if name != "the result":
            (folder / "result.json").unlink()
        # each file has another to fall back on: nothing is refused
        check(folder, known, resume("mine", settings))
