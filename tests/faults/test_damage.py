"""Each file of a search cut short or overwritten at random: no traceback, no wrong result."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from tuneyard.search import SearchError, Settings
from tuneyard.search.api import resume, search
from tuneyard.search.models.champions import find_result
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.tracking.client import connect

WHOLE = os.environ.get("TUNEYARD_FAULTS") == "whole"
OFFSETS = 50 if WHOLE else 2
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


@pytest.fixture
def left(settings: Settings, place: Any) -> tuple[Settings, Path, dict[str, float]]:
    """A search cut off before its last trial and its last stages, and the values of its trials."""
    values = {"task": "linear-regression", "name": "mine", "trials": TRIALS, "seed": 3}
    search(parse_spec(values | {"space": {"epochs": 4}}), settings)
    folder: Path = place.folder("mine")
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
    left: tuple[Settings, Path, dict[str, float]], tmp_path: Path, name: str
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
    refused = 0
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
        if name != "the result":
            (folder / "result.json").unlink()
        try:
            result = resume("mine", settings)
        except SearchError as error:
            assert len(str(error).splitlines()) == 1
            refused += 1
        else:
            check(folder, known, result)
    assert refused == 0, "each file has another to fall back on"
