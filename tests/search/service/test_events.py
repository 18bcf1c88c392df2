"""A search told by server-sent events."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tuneyard.search.results.status import SearchStatus, TrialStatus
from tuneyard.search.service import events as service_events


def read(answer: httpx.Response) -> Iterator[tuple[str, dict[str, Any], str | None]]:
    """Each event's kind, data and id."""
    event: dict[str, str] = {}
    for line in answer.iter_lines():
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        elif event:
            yield event["event"], json.loads(event["data"]), event.get("id")
            event = {}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_events, "TICK_SECONDS", 0.1)


def test_a_search_as_it_goes_on(serve: Any, own_records: Any) -> None:
    parent = own_records.search("mine", trials={"total": 1, "running": 1})
    own_records.trial(parent, 0)
    http = serve()
    told: list[tuple[str, dict[str, Any], str | None]] = []
    first = threading.Event()

    def listen() -> None:
        with http.stream("GET", "/searches/mine/events") as answer:
            assert answer.status_code == 200
            assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            for event in read(answer):
                told.append(event)
                first.set()

    listener = threading.Thread(target=listen)
    listener.start()
    assert first.wait(20)
    time.sleep(1.2)
    own_records.trial(parent, 2)
    own_records.trial(parent, 3, "running")
    own_records.tag(parent, trials='{"total": 3, "running": 1, "completed": 2}', best="0.25")
    time.sleep(1.5)
    own_records.trial(parent, 1, "pruned")
    own_records.tag(parent, state="completed")
    own_records.client.set_terminated(parent.info.run_id)
    listener.join(20)
    assert not listener.is_alive()

    kinds = [kind for kind, _, _ in told]
    assert kinds == ["trial", "status", "trial", "status", "trial", "status", "end"]
    trials = [TrialStatus.model_validate(data) for kind, data, _ in told if kind == "trial"]
    assert [trial.number for trial in trials] == [0, 2, 1]
    assert trials[2].state == "pruned"
    states = [SearchStatus.model_validate(data) for kind, data, _ in told if kind != "trial"]
    assert [status.state for status in states] == ["running", "running", "completed", "completed"]
    assert [status.best for status in states] == [None, 0.25, 0.25, 0.25]

    # who lost the connection says what was the last that it heard
    ids = [int(name) for kind, _, name in told if kind == "trial" and name]
    assert ids == sorted(ids)
    headers = {"Last-Event-ID": str(ids[1])}
    with http.stream("GET", "/searches/mine/events", headers=headers) as answer:
        again = list(read(answer))
    assert [(kind, data.get("number")) for kind, data, _ in again] == [
        ("trial", 1),
        ("status", None),
        ("end", None),
    ]


def test_the_story_of_a_search_that_is_over(serve: Any, own_records: Any) -> None:
    parent = own_records.search("mine", "stopped")
    for number in range(3):
        own_records.trial(parent, number)
    own_records.trial(parent, 3, "running")
    with serve().stream("GET", "/searches/mine/events") as answer:
        kinds = [kind for kind, _, _ in read(answer)]
    assert kinds == ["trial", "trial", "trial", "status", "end"]


def test_a_trial_that_is_closed_late(serve: Any, own_records: Any) -> None:
    """The driver counts a trial, and MLflow takes its end only then."""
    parent = own_records.search("mine")
    http = serve()
    told = []

    def close_late() -> None:
        time.sleep(1)
        own_records.trial(parent, 1)
        own_records.tag(parent, best="0.75")
        time.sleep(1.2)
        late = own_records.trial(parent, 0, "running")
        early = int(1000 * time.time()) - 10_000
        own_records.client.set_terminated(late.info.run_id, end_time=early)
        own_records.tag(parent, best="0.5")

    threading.Thread(target=close_late).start()
    with http.stream("GET", "/searches/mine/events") as answer:
        for kind, data, _ in read(answer):
            if kind == "trial":
                told.append(data["number"])
                if len(told) == 2:
                    break
    assert told == [1, 0]


def test_clients_that_go_away_leave_nothing(serve: Any, own_records: Any) -> None:
    own_records.search("mine")
    http = serve()
    for _ in range(60):
        with http.stream("GET", "/searches/mine/events") as answer:
            assert next(read(answer))[0] == "status"
    assert http.get("/searches/mine").status_code == 200


def test_many_listeners_leave_room_for_others(serve: Any, own_records: Any) -> None:
    """More streams than a server has threads."""
    own_records.search("mine")
    http = serve()
    with httpx.Client(base_url=http.base_url, limits=httpx.Limits(max_connections=100)) as many:
        streams = [many.stream("GET", "/searches/mine/events") for _ in range(60)]
        for stream in streams:
            answer = stream.__enter__()
            assert next(read(answer))[0] == "status"
        assert http.get("/searches", timeout=5).status_code == 200
        for stream in streams:
            stream.__exit__(None, None, None)


@pytest.mark.parametrize("last", ["-1", "x", "9" * 30])
def test_a_wrong_id(serve: Any, own_records: Any, line: Any, last: str) -> None:
    own_records.search("mine")
    answer = serve().get("/searches/mine/events", headers={"Last-Event-ID": last})
    assert "last-event-id" in line(answer, 422)
