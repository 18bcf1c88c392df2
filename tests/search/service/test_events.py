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

Event = tuple[str, dict[str, Any], str | None]


def read(answer: httpx.Response) -> Iterator[Event]:
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


def connected_again(http: httpx.Client, last: str | None) -> list[Event]:
    """What is told to who says what was the last that it heard."""
    headers = {"Last-Event-ID": str(last)}
    with http.stream("GET", "/searches/mine/events", headers=headers) as answer:
        assert answer.status_code == 200
        return list(read(answer))


def ended_at(records: Any, parent: Any, number: int, milliseconds: int) -> None:
    """A trial that ended then, by its driver's clock."""
    run = records.trial(parent, number, "running")
    records.client.set_terminated(run.info.run_id, end_time=milliseconds)


def trials(events: list[Event]) -> list[int]:
    return [data["number"] for kind, data, _ in events if kind == "trial"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_events, "TICK_SECONDS", 0.1)


def test_a_search_as_it_goes_on(serve: Any, own_records: Any) -> None:
    parent = own_records.search("mine", trials={"total": 1, "running": 1})
    own_records.trial(parent, 0)
    http = serve()
    told: list[Event] = []
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
    ended = [TrialStatus.model_validate(data) for kind, data, _ in told if kind == "trial"]
    assert [trial.number for trial in ended] == [0, 2, 1]
    assert ended[2].state == "pruned"
    states = [SearchStatus.model_validate(data) for kind, data, _ in told if kind != "trial"]
    assert [status.state for status in states] == ["running", "running", "completed", "completed"]
    assert [status.best for status in states] == [None, 0.25, 0.25, 0.25]

    # who lost the connection says what was the last that it heard
    ids = [name for kind, _, name in told if kind == "trial"]
    again = [(kind, data.get("number")) for kind, data, _ in connected_again(http, ids[1])]
    assert again == [("trial", 1), ("status", None), ("end", None)]


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


@pytest.mark.parametrize("last", ["-1", "x", "9" * 30, "1-x", "1-"])
def test_a_wrong_id(serve: Any, own_records: Any, line: Any, last: str) -> None:
    own_records.search("mine")
    answer = serve().get("/searches/mine/events", headers={"Last-Event-ID": last})
    assert "last-event-id" in line(answer, 422)


def test_trials_of_one_millisecond_are_all_told(serve: Any, own_records: Any) -> None:
    parent = own_records.search("mine", "stopped")
    now = int(1000 * time.time())
    for number in range(4):
        ended_at(own_records, parent, number, now - (10_000 if number == 0 else 0))
    http = serve()
    with http.stream("GET", "/searches/mine/events") as answer:
        told = list(read(answer))
    assert sorted(trials(told)) == [0, 1, 2, 3]
    # wherever the connection broke, the rest follows
    for heard, (_, _, last) in enumerate(told[:4], 1):
        again = trials(connected_again(http, last))
        assert set(again) | set(trials(told[:heard])) == {0, 1, 2, 3}
    assert trials(connected_again(http, told[3][2])) == []


def test_a_trial_that_came_late_is_told_to_who_connects_again(serve: Any, own_records: Any) -> None:
    parent = own_records.search("mine")
    now = int(1000 * time.time())
    ended_at(own_records, parent, 0, now)
    http = serve()
    with http.stream("GET", "/searches/mine/events") as answer:
        _, _, last = next(read(answer))
    # MLflow was away for ten minutes, and hears of it only now
    ended_at(own_records, parent, 1, now - 600_000)
    own_records.tag(parent, state="completed")
    time.sleep(1.1)
    told = connected_again(http, last)
    assert 1 in trials(told)
    assert told[-1][0] == "end"
    # an id that says less than the service's own: nothing is taken for heard
    assert sorted(trials(connected_again(http, str(now)))) == [0, 1]
