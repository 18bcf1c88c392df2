"""A small search of every task: they are found, not listed, and each takes its smallest data."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tuneyard.search import Settings
from tuneyard.search.api import search
from tuneyard.search.spec.files import parse_spec
from tuneyard.spaces.registry import descriptions, find_description
from tuneyard.trainables.task import find_task

FROM_FILES = {"diabetes", "names-gru", "names-transformer"}
"""Tasks without a data set in the package."""


def small(name: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Three trials of two epochs, on the data set that needs no file where there is one."""
    # one trial at a time: each of two would import torch in a process of its own
    values: dict[str, Any] = {
        "task": name,
        "trials": 3,
        "max_concurrent_trials": 1,
        "space": {"epochs": 2},
    }
    if "digits" in find_description(name).data:
        values["data"] = "digits"
    if name == "image-transfer":
        values["data"] = str(request.getfixturevalue("pictures"))
        values["space"] |= {"weights": "none", "backbone": "resnet18"}
    if name == "moving-digits-convlstm":
        values["space"] |= {"patch": 8}  # a quarter of the time of 4
    return values


@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize("name", sorted(descriptions()))
def test_a_search_of_three_trials(
    name: str, settings: Settings, records: Any, request: pytest.FixtureRequest
) -> None:
    if name in FROM_FILES:
        folder = request.getfixturevalue("data_dir")
        settings = settings.model_copy(update={"data_dir": folder})
    result = search(parse_spec(small(name, request)), settings)
    records(settings, result.search).check(result)
    assert result.state == "completed"
    assert result.trials["total"] == 3
    assert result.trials["failed"] == result.trials["out_of_memory"] == 0
    assert result.best is not None
    assert math.isfinite(result.best.value)
    assert result.baseline.value is not None
    objective = find_task(name).objective
    assert not objective.better(result.baseline.value, than=result.best.value)
    assert objective.metric.replace("val_", "test_") in result.best.test
    assert all(math.isfinite(value) for value in result.best.test.values())


@pytest.mark.usefixtures("local_ray")
def test_a_search_finds_a_network_that_learns_hello_in_five_epochs(settings: Settings) -> None:
    """The metric is 16 where the word is not solved in the 15 epochs."""
    values = {"task": "hello-rnn", "trials": 12, "max_concurrent_trials": 1, "seed": 1}
    result = search(parse_spec(values), settings)
    assert result.best is not None
    assert result.baseline.value is not None
    assert result.best.value < result.baseline.value
    assert result.best.test["test_accuracy"] == 1.0
    assert result.best.test["test_epochs_to_solve"] <= 5


def test_the_command_on_a_data_set_of_choice(tmp_path: Path) -> None:
    """A process of its own, with a Ray of its own, as people start it."""
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("tuneyard"), "search", "linear-regression"),
            *("--data", "noisy", "--trials", "3", "--set", "epochs=20", "--json"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["state"] == "completed"
    assert result["trials"]["total"] == 3
    assert result["best"]["value"] <= result["baseline"]["value"]
    assert result["best"]["test"].keys() == {"test_loss", "test_weight", "test_bias"}
