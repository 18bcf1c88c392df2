"""Searches on the stack: submitted, queued, stopped, resumed, extended."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from typing import Any

import pytest

pytestmark = pytest.mark.stack


def test_a_search_over_http_and_one_by_command_finish(
    stack: Any, finished: tuple[str, str]
) -> None:
    over_http, over_cli = finished
    stack.check_complete(over_http, 12)
    stack.check_complete(over_cli, 6)
    assert stack.status(over_http).user == stack.status(over_cli).user == "ana"
    assert stack.status(over_http).mlflow.tracking_uri == stack.url("MLFLOW")


def test_trials_ran_on_both_workers(stack: Any, finished: tuple[str, str]) -> None:
    nodes = {run.data.tags["tuneyard.node"] for run in stack.trials(finished[0]).values()}
    assert nodes == stack.workers


def test_the_champion_answers(stack: Any, finished: tuple[str, str]) -> None:
    months = [112.0, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118] * 5
    refused = stack.api.post("/tasks/airplane-lstm/predict", json={"inputs": [months]})
    assert refused.status_code == 422
    # the refusal says how many months this model looks back
    (length,) = re.findall(r"must be nx(\d+) finite numbers", refused.json()["detail"])
    answer = stack.api.post(
        "/tasks/airplane-lstm/predict", json={"inputs": [months[: int(length)]]}
    )
    assert answer.status_code == 200, answer.text
    (forecast,) = answer.json()["outputs"]
    assert 50 < forecast < 250


def test_three_searches_run_in_order_where_one_slot_exists(stack: Any) -> None:
    names = [stack.submit(stack.SHORT, name=f"queue-{number}", trials=3) for number in range(3)]
    most = 0

    def all_over() -> bool:
        nonlocal most
        states = [stack.status(name).state for name in names]
        most = max(most, states.count("running"))
        return all(state == "completed" for state in states)

    stack.wait_for("three searches have completed", all_over, 300)
    assert most == 1
    spans = []
    for name in names:
        runs = stack.trials(name).values()
        spans.append((min(r.info.start_time for r in runs), max(r.info.end_time for r in runs)))
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_stop_resume_and_extend(stack: Any) -> None:
    search = stack.submit(stack.LONG, name="stopped", trials=8)
    waiting = stack.submit(stack.SHORT, name="taken-out", trials=3)
    stack.wait_ended(search, 2)

    assert stack.status(waiting).state == "queued"
    stack.api.post(f"/searches/{waiting}/stop").raise_for_status()
    assert stack.status(waiting).state == "stopped"

    started = time.monotonic()
    stack.api.post(f"/searches/{search}/stop").raise_for_status()
    assert stack.wait_over(search, 30).state == "stopped"
    assert time.monotonic() - started < 10, "a stop is over in less than 10 s"
    before = stack.ended(search)
    assert len(before) == len(stack.trials(search)) < 8
    run = stack.mlflow.get_run(stack.status(search).mlflow.run_id)
    assert run.info.status == "KILLED"

    assert stack.command("resume", search).returncode == 0
    stack.check_complete(search, 8)
    after = stack.ended(search)
    assert {number: after[number] for number in before} == before
    assert stack.api.post(f"/searches/{search}/resume").status_code == 409

    extended = stack.api.post(f"/searches/{search}/extend", json={"trials": "+2"})
    assert extended.status_code == 202, extended.text
    stack.wait_for("it runs", lambda: stack.status(search).budget == 10, 60)
    stack.check_complete(search, 10)
    assert {number: stack.ended(search)[number] for number in after} == after
