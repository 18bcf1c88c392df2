"""Trials that raise, hang, end their process, diverge or run out of memory: each says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

TASK = """
import os
import time
from typing import Literal

from tuneyard.spaces import SearchSpace


class Space(SearchSpace):
    fault: Literal["none", "raise", "hang", "exit", "diverge", "memory"] = "none"


objective = "min loss"


def train(config, trial):
    for epoch in trial.epochs(2):
        if epoch == 2 and config.fault == "raise":
            raise ValueError("this one is wrong")
        if epoch == 2 and config.fault == "hang":
            time.sleep(1000)
        if epoch == 2 and config.fault == "exit":
            print("the last words", flush=True)
            os._exit(7)
        if epoch == 2 and config.fault == "memory":
            raise MemoryError
        trial.report(loss=float("nan") if config.fault == "diverge" else 1.0 / epoch)
"""
REASONS = {
    "none": ("completed", "completed"),
    "raise": ("failed", "faulty.py:19: ValueError: this one is wrong"),
    "hang": ("failed", "no epoch within 3 s (trial_timeout), so its process was ended"),
    "diverge": ("diverged", "diverged"),
    "memory": ("out_of_memory", "faulty.py:26: MemoryError"),
}


def test_each_is_recorded_with_its_reason(place: Any, found: Callable[..., Any]) -> None:
    (place.path / "faulty.py").write_text(TASK)
    options = ("--sampler", "grid", "--trials", "6", "--scheduler", "none", "--keep-going")
    timeout = ("--trial-timeout", "3s")
    done = place.run("search", "faulty.py", "--name", "mine", *options, *timeout, "--json")
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)["trials"]
    assert (counts["total"], counts["completed"], counts["failed"]) == (6, 1, 3)
    runs = {run.data.params["fault"]: run for run in found("mine").children}
    for fault, (state, reason) in REASONS.items():
        tags = runs[fault].data.tags
        assert (tags["tuneyard.state"], tags["tuneyard.reason"]) == (state, reason), fault
    assert "os._exit" in runs["exit"].data.tags["tuneyard.reason"]
    assert not [run for run in runs.values() if run.info.status == "RUNNING"]
    assert "Traceback" not in done.stderr.replace(TASK, "") or "ValueError" in done.stderr
