"""Containers killed in mid-search: no trial that ended is lost or run again."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytestmark = pytest.mark.stack

TRIALS = 8


def test_a_worker_is_killed(stack: Any) -> None:
    search = stack.submit(stack.LONG, name="worker-killed", trials=TRIALS)
    stack.wait_ended(search, 2)
    before = stack.ended(search)
    stack.kill("ray-worker")
    try:
        stack.check_complete(search, TRIALS)
    finally:
        stack.up()
    after = stack.ended(search)
    assert {number: after[number] for number in before} == before


def test_the_service_and_mlflow_are_killed(stack: Any) -> None:
    search = stack.submit(stack.LONG, name="mlflow-killed", trials=TRIALS)
    stack.wait_ended(search, 2)
    before = stack.ended(search)
    known = stack.status("worker-killed")
    stack.kill("api")
    stack.kill("mlflow")
    time.sleep(30)
    stack.up()
    assert stack.status("worker-killed") == known
    stack.check_complete(search, TRIALS)
    after = stack.ended(search)
    assert {number: after[number] for number in before} == before
    for run in stack.trials(search).values():
        curve = stack.mlflow.get_metric_history(run.info.run_id, "val_rmse")
        steps = [metric.step for metric in curve]
        assert sorted(set(steps)) == sorted(steps)
        assert max(steps) == stack.LONG["space"]["epochs"]


def test_the_driver_is_killed(stack: Any) -> None:
    search = stack.submit(stack.LONG, name="driver-killed", trials=TRIALS)
    stack.wait_ended(search, 2)
    before = stack.ended(search)
    # brackets, so that the shell that looks does not find itself
    one = 'grep -qs "searc[h].cli" $p/cmdline && kill -9 ${p#/proc/}'
    kill = f"for p in /proc/[0-9]*; do {one}; done; true"
    stack.compose("exec", "-T", "ray-head", "sh", "-c", kill)
    stack.check_complete(search, TRIALS)
    assert "killed by signal 9" in stack.command("logs", search).stdout
    after = stack.ended(search)
    assert {number: after[number] for number in before} == before


def test_the_stack_goes_down_and_comes_up(stack: Any) -> None:
    search = stack.submit(stack.LONG, name="down-and-up", trials=TRIALS)
    stack.wait_ended(search, 2)
    before = stack.ended(search)
    stack.compose("down")
    stack.up()
    stack.wait_for("it is interrupted", lambda: stack.status(search).state == "interrupted", 90)
    done = stack.command("resume", search)
    assert done.returncode == 0, done.stderr
    stack.wait_for("it runs", lambda: stack.status(search).state == "running", 60)
    stack.check_complete(search, TRIALS)
    after = stack.ended(search)
    assert {number: after[number] for number in before} == before
