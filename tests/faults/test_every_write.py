"""A driver killed in front of each write, to its folder and to MLflow: the next command goes on."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tuneyard.search import Settings
from tuneyard.search.api import resume, search
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.storage import folder as folder_module
from tuneyard.search.tracking.client import MlflowClient

WHOLE = os.environ.get("TUNEYARD_FAULTS") == "whole"
MOST_WRITES = 80
"""More than a search of two trials writes, which is 67 times or so: MLflow is told in batches."""

EVERY = 1 if WHOLE else 29

WRITES = (
    "create_run",
    "update_run",
    "log_batch",
    "log_param",
    "log_metric",
    "log_text",
    "log_dict",
    "log_artifacts",
    "set_terminated",
    "create_registered_model",
    "create_model_version",
    "set_registered_model_alias",
)


class Killer:
    """Counts what this process writes, and ends it in front of the write with a number."""

    def __init__(self, number: int) -> None:
        self._left = number
        self._lock = threading.Lock()

    def __call__(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            with self._lock:
                self._left -= 1
                if self._left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return write(*arguments, **options)

        return counted


def search_to_its_end(spec: SearchSpec, settings: Settings, number: int) -> None:
    """A search in a process that is killed in front of a write, if it writes so often."""
    killer = Killer(number)
    folder_module.write_whole = killer(folder_module.write_whole)
    for name in WRITES:
        setattr(MlflowClient, name, killer(getattr(MlflowClient, name)))
    search(spec, settings)


@pytest.mark.parametrize("number", range(1, MOST_WRITES, EVERY))
def test_the_next_command_goes_on(
    settings: Settings,
    forked: Callable[..., Any],
    found: Callable[..., Any],
    injected: Callable[..., None],
    number: int,
) -> None:
    values = {"task": "linear-regression", "name": "mine", "trials": 2, "space": {"epochs": 3}}
    spec = parse_spec(values)
    driver = forked(search_to_its_end, spec, settings, number)
    driver.join(120)
    assert driver.exitcode in (0, -signal.SIGKILL)
    if driver.exitcode == 0:
        found("mine").check(2, "loss")
        return
    folder = folder_module.SearchFolder(settings.storage, "mine")
    injected("drivers killed in front of a write")
    result = resume("mine", settings) if folder.exists() else search(spec, settings)
    assert result.state == "completed"
    assert json.loads(folder.read("result.json"))["state"] == "completed"
    found("mine").check(2, "loss")
