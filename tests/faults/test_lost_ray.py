"""Ray's processes killed in mid-search: a trial's worker, the raylet, the GCS, a node."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

WHOLE = os.environ.get("TUNEYARD_FAULTS") == "whole"
SEARCH = ("airplane-lstm", "--set", "epochs=100", "--folds", "1", "--scheduler", "none")
SEARCH += ("--trials", "12", "--name", "mine")
WORKER = "ray::"


def processes(driver: Any, name: str) -> list[psutil.Process]:
    """Those of a driver's Ray whose command begins or ends so."""
    found = []
    for one in psutil.Process(driver.pid).children(recursive=True):
        try:
            words = one.cmdline()
        except psutil.NoSuchProcess:
            continue
        if words and (words[0].startswith(name) or words[0].endswith(f"/{name}")):
            found.append(one)
    return found


@pytest.fixture
def driver(place: Any) -> Any:
    """A search whose first trial has ended."""
    driver = place.start("search", *SEARCH)
    ended = place.folder("mine") / "ended"
    assert place.wait(driver, lambda: list(ended.glob("*.json"))), place.log
    return driver


def test_a_trial_whose_process_is_killed_goes_on(
    place: Any, driver: Any, found: Callable[..., Any], injected: Callable[..., None]
) -> None:
    for _ in range(3):
        trials = [one for one in processes(driver, WORKER) if "TrialTrainable" in one.name()]
        trials = trials or processes(driver, "ray::TrialTrainable")
        if trials:
            trials[0].send_signal(signal.SIGKILL)
            injected("processes of trials killed")
        time.sleep(1.0)
    assert driver.wait(300) == 0, place.log
    assert "Traceback" not in place.log
    left = found("mine")
    assert len(left.ended) == 12
    assert {run.info.status for run in left.children} <= {"FINISHED", "KILLED", "FAILED"}


@pytest.mark.parametrize("process", ["raylet", "gcs_server"] if WHOLE else ["raylet"])
def test_a_ray_that_is_lost_is_one_line_and_the_search_goes_on(
    place: Any,
    driver: Any,
    found: Callable[..., Any],
    injected: Callable[..., None],
    process: str,
) -> None:
    (there,) = processes(driver, process)
    os.kill(there.pid, signal.SIGKILL)
    injected(f"{process} processes killed")
    driver.wait(300)
    before = place.log
    assert driver.returncode != 0, before
    assert "Traceback" not in before
    assert "tuneyard resume mine" in before
    done = place.run("resume", "mine")
    assert done.returncode == 0, done.stderr
    found("mine").check(12, "loss")
