"""Every view of a search says the same of it, in each of its states, also where its driver died."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from tuneyard.search import SearchError, Settings
from tuneyard.search.api import resume, search
from tuneyard.search.cli.main import app
from tuneyard.search.jobs.queue import JobQueue
from tuneyard.search.service.app import create_app
from tuneyard.search.service.settings import ServiceSettings
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.tracking.client import connect
from tuneyard.search.tracking.runs import queue_search

STATUS = {
    "running": {"RUNNING"},
    "interrupted": {"KILLED"},
    "completed": {"FINISHED"},
    "stopped": {"KILLED"},
    "failed": {"FAILED"},
}


def spec(name: str, **values: Any) -> SearchSpec:
    known = {"task": "linear-regression", "trials": 5000, "sampler": "random", "scheduler": "none"}
    return parse_spec({**known, "name": name, "space": {"epochs": 60}} | values)


def run(asked: SearchSpec, settings: Settings) -> None:
    search(asked, settings)


class Waiting(JobQueue):
    """A cluster on which one search waits for its turn, and nothing else."""

    def live(self) -> frozenset[str]:
        return frozenset({"queued"})


def trained(place: Any, name: str) -> None:
    """Waits until the first trial of a search has ended."""
    until = time.monotonic() + 120
    while not list((place.folder(name) / "ended").glob("*.json")):
        assert time.monotonic() < until, name
        time.sleep(0.05)


@pytest.fixture
def states(settings: Settings, forked: Callable[..., Any], place: Any) -> dict[str, str]:
    """A search in each state, by name the state itself, all of them real."""
    for name, end in (("interrupted", signal.SIGKILL), ("stopped", signal.SIGINT)):
        driver = forked(run, spec(name), settings)
        trained(place, name)
        os.kill(driver.pid, end)
        driver.join(60)
    run(spec("completed", trials=2, space={"epochs": 2}), settings)
    # nothing is ever trained: its time is over at once
    run(spec("failed", trials=2, time=1e-6), settings)
    running = forked(run, spec("running"), settings)
    trained(place, "running")
    queue_search(connect(settings.tracking_uri), spec("queued"), "somebody")
    assert running.is_alive()
    return {name: name for name in (*STATUS, "queued")}


def said(settings: Settings, *arguments: str) -> str:
    """What a command prints, in this process: a new one would take seconds to import MLflow."""
    done = CliRunner().invoke(app, [*arguments, "--tracking-uri", str(settings.tracking_uri)])
    return done.stdout or str(done.exception)


def seen_here(settings: Settings, name: str) -> dict[str, str]:
    """What the commands of this machine say."""
    listed = json.loads(said(settings, "list", "--json"))["searches"]
    seen = {"list": next(one["state"] for one in listed if one["search"] == name)}
    best = said(settings, "best", name)
    if name == "queued":
        assert "waits in the queue" in best
        return seen
    assert best.strip().startswith(f"Search {name} {name}:"), best
    assert ("tuneyard resume" in best) is (name in ("interrupted", "stopped"))
    seen["best --json"] = json.loads(said(settings, "best", name, "--json"))["state"]
    return seen


def seen_there(http: TestClient, name: str) -> dict[str, str]:
    """What the service says."""
    one = http.get(f"/searches/{name}").json()
    answer = http.get("/searches")
    assert answer.status_code == 200, answer.text
    every = answer.json()["searches"]
    seen = {"HTTP": one["state"]}
    seen["HTTP list"] = next(each["state"] for each in every if each["search"] == name)
    best = http.get(f"/searches/{name}/best")
    if best.status_code == 200:
        seen["HTTP best"] = best.json()["state"]
    return seen


def test_they_all_say_the_same(
    states: dict[str, str],
    settings: Settings,
    place: Any,
    found: Callable[..., Any],
    injected: Callable[..., None],
) -> None:
    uri = str(settings.tracking_uri)
    service = ServiceSettings(tracking_uri=uri)
    service_app = create_app(service, Waiting())
    with TestClient(service_app, base_url="http://127.0.0.1", client=("127.0.0.1", 50000)) as http:
        check_views(http, states, settings, place, found, injected)
    with pytest.raises(SearchError, match="search 'running' runs: its driver is process "):
        resume("running", settings)


def check_views(
    http: TestClient,
    states: dict[str, str],
    settings: Settings,
    place: Any,
    found: Callable[..., Any],
    injected: Callable[..., None],
) -> None:
    for name, state in states.items():
        seen = seen_here(settings, name) | seen_there(http, name)
        left = found(name)
        seen["tag"] = left.parent.data.tags["tuneyard.state"]
        result = Path(place.folder(name)) / "result.json"
        assert result.exists() is (state in ("completed", "stopped", "failed"))
        if result.exists():
            seen["result.json"] = json.loads(result.read_text())["state"]
        assert set(seen.values()) == {state}, seen
        injected("views of searches in all states that say the same", len(seen))
        if state in STATUS:
            assert left.parent.info.status in STATUS[state]
        if state not in ("running", "queued"):
            assert not [run for run in left.children if run.info.status == "RUNNING"]
