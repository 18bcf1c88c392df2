"""Searches read from a real MLflow: state, filters, pages, trials, result."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tuneyard.search.results.status import SearchStatus
from tuneyard.search.tracking.client import MlflowClient
from tuneyard.search.tracking.heartbeat import Pulse
from tuneyard.search.tracking.state import shown_state
from tuneyard.spaces.registry import find_description

COUNTS = {"total": 3, "running": 1, "completed": 1, "pruned": 1}


def names(http: Any, **params: Any) -> list[str]:
    answer = http.get("/searches", params=params)
    assert answer.status_code == 200, answer.text
    return [one["search"] for one in answer.json()["searches"]]


def test_a_running_search(serve: Any, own_records: Any) -> None:
    run = own_records.search(
        "mine", user="alice", trials=COUNTS, baseline=0.5, best=0.25, eta="30.5"
    )
    answer = serve().get("/searches/mine")
    assert answer.status_code == 200
    status = SearchStatus.model_validate_json(answer.content)
    assert (status.search, status.task, status.user) == ("mine", "diabetes", "alice")
    assert (status.state, status.budget, status.trials) == ("running", 10, COUNTS)
    assert (status.baseline, status.best) == (0.5, 0.25)
    assert (status.wall_s, status.eta_s) == (12.5, 30.5)
    assert (status.objective.metric, status.objective.mode) == ("val_loss", "min")
    assert abs(status.created.timestamp() - time.time()) < 30
    assert status.mlflow.run_id == run.info.run_id
    assert status.mlflow.tracking_uri == own_records.uri


STATES = [
    # tag, seconds since the start, since the heartbeat, has a job -> shown
    ("running", 100, 10, False, "running"),
    ("running", 100, 70, False, "interrupted"),
    ("running", 100, 70, True, "running"),
    ("running", 100, 70, None, "interrupted"),
    ("running", 10, 1e9, False, "running"),
    ("queued", 100, 1e9, True, "queued"),
    ("queued", 100, 1e9, None, "queued"),
    ("queued", 100, 1e9, False, "interrupted"),
    ("queued", 5, 1e9, False, "queued"),
    ("queued", 100, 5, False, "queued"),
    ("completed", 100, 1e9, False, "completed"),
    ("stopped", 100, 1e9, True, "stopped"),
    ("failed", 100, 1e9, None, "failed"),
    ("strange", 100, 1, True, "failed"),
]


@pytest.mark.parametrize(("tag", "age", "silence", "job", "shown"), STATES, ids=str)
def test_the_state_that_is_shown(
    own_records: Any, tag: str, age: float, silence: float, job: bool | None, shown: str
) -> None:
    now = time.time()
    run = own_records.search("mine", tag, ago=age, heartbeat=max(0, now - silence))
    live = None if job is None else {"other", "mine"} if job else {"other"}
    assert shown_state(run, Pulse(), live, now) == shown


def test_why_a_search_did_not_begin(serve: Any, own_records: Any) -> None:
    own_records.search("mine", "failed", reason="the data is not there")
    own_records.search("fine", "completed")
    http = serve()
    reasons = [http.get(f"/searches/{name}").json()["reason"] for name in ("mine", "fine")]
    assert reasons == ["the data is not there", None]


def test_a_search_that_is_interrupted_runs_no_trials(serve: Any, own_records: Any) -> None:
    own_records.search("mine", ago=100, heartbeat=0, trials=COUNTS, eta="30.5")
    status = serve().get("/searches/mine").json()
    assert (status["state"], status["eta_s"]) == ("interrupted", None)
    assert status["trials"] == COUNTS | {"running": 0}


def test_searches_of_an_older_version(serve: Any, own_records: Any) -> None:
    gone = dict.fromkeys(("budget", "heartbeat", "wall"))
    run = own_records.search("old", "completed", ago=100, **gone)
    own_records.client.log_param(run.info.run_id, "trials", "20")
    for name, value in (("baseline_val_loss", 0.5), ("best_val_loss", 0.25)):
        own_records.client.log_metric(run.info.run_id, name, value)
    own_records.search("dead", ago=100, **gone)
    http = serve()
    status = http.get("/searches/old").json()
    assert (status["state"], status["budget"], status["trials"]) == ("completed", 20, {})
    assert (status["baseline"], status["best"]) == (0.5, 0.25)
    assert 99 < status["wall_s"] < 130
    assert http.get("/searches/dead").json()["state"] == "interrupted"
    assert names(http) == ["dead", "old"] or names(http) == ["old", "dead"]


def test_values_that_json_has_no_numbers_for(serve: Any, own_records: Any) -> None:
    parent = own_records.search("mine", baseline="nan", best="-inf", eta="inf", wall="1e999")
    own_records.trial(parent, 0, value="nan")
    http = serve()
    status = http.get("/searches/mine").json()
    assert [status[key] for key in ("baseline", "best", "eta_s", "wall_s")] == [None] * 4
    (trial,) = http.get("/searches/mine/trials").json()["trials"]
    assert trial["value"] is None


def test_filters(serve: Any, own_records: Any) -> None:
    own_records.search("a", "completed", ago=50, user="alice")
    own_records.search("b", ago=40, user="bob")
    own_records.search("c", ago=100, heartbeat=0, user="alice")
    own_records.search("d", "queued", ago=30, task="names-gru")
    own_records.search("e", "stopped", ago=20, user="alice")
    parent = own_records.search("f", "failed", ago=10)
    own_records.trial(parent, 0)
    http = serve()
    assert names(http) == ["f", "e", "d", "b", "a", "c"]
    assert names(http, task="diabetes") == ["f", "e", "b", "a", "c"]
    assert names(http, task="names-gru") == ["d"]
    assert names(http, task="no-such-task") == []
    assert names(http, user="alice") == ["e", "a", "c"]
    assert names(http, user="alice", state="stopped") == ["e"]
    shown = {"completed": "a", "running": "b", "interrupted": "c", "queued": "d", "failed": "f"}
    assert {state: names(http, state=state) for state in shown} == {
        state: [name] for state, name in shown.items()
    }


def test_pages(serve: Any, own_records: Any) -> None:
    for number in range(5):
        own_records.search(f"s{number}", "completed" if number % 2 else "stopped", ago=50 - number)
    http, found, page = serve(), [], None
    for expected in (["s4", "s3"], ["s2", "s1"], ["s0"]):
        params = {"limit": 2} | ({"page": page} if page else {})
        answer = http.get("/searches", params=params).json()
        assert [one["search"] for one in answer["searches"]] == expected
        found, page = found + expected, answer["next"]
    assert page is None
    # of a page by state, those that are shown in another are left out; an empty one is passed over
    for number in range(4):
        own_records.search(
            f"r{number}", ago=40 - number, heartbeat=time.time() if number < 1 else 0
        )
    own_records.search("lost", ago=100, heartbeat=0)
    time.sleep(1.1)
    assert names(http, state="interrupted", limit=2) == ["lost"]
    assert names(http, page="40") == []


def test_a_deleted_search_is_gone(serve: Any, own_records: Any, line: Any) -> None:
    run = own_records.search("mine")
    http = serve()
    assert http.get("/searches/mine").status_code == 200
    own_records.client.delete_run(run.info.run_id)
    time.sleep(1.1)
    assert "there is no search 'mine'" in line(http.get("/searches/mine"), 404)
    own_records.search("mine", "completed")
    time.sleep(1.1)
    assert http.get("/searches/mine").json()["state"] == "completed"


def test_trials(serve: Any, own_records: Any) -> None:
    parent, other = own_records.search("mine"), own_records.search("other")
    runs = [own_records.trial(parent, number) for number in range(4)]
    own_records.trial(parent, 4, "running")
    own_records.trial(other, 0)
    http = serve()
    answer = http.get("/searches/mine/trials").json()
    assert answer["next"] is None
    assert [one["number"] for one in answer["trials"]] == [0, 1, 2, 3, 4]
    space = find_description("diabetes").space.space()
    assert answer["trials"][1] == {
        "number": 1,
        "state": "completed",
        "reason": "completed",
        "value": 0.5,
        "best_epoch": 3,
        "params": space.flatten(space.baseline()),
        "mlflow_run_id": runs[1].info.run_id,
    }
    running = answer["trials"][4]
    assert (running["state"], running["reason"], running["value"]) == ("running", None, None)
    found, page = [], None
    for _ in range(3):
        params = {"limit": 2} | ({"page": page} if page else {})
        answer = http.get("/searches/mine/trials", params=params).json()
        found += [one["number"] for one in answer["trials"]]
        page = answer["next"]
    assert (found, page) == ([0, 1, 2, 3, 4], None)


def test_the_best(serve: Any, own_records: Any, line: Any) -> None:
    parent = own_records.search("mine")
    own_records.search("queued", "queued", metric=None, mode=None)
    http = serve()
    for name in ("mine", "queued"):
        said = line(http.get(f"/searches/{name}/best"), 404)
        assert said == f"no trial of search {name!r} has succeeded yet"
    for number in range(2):
        own_records.trial(parent, number)
    time.sleep(1.1)
    result = http.get("/searches/mine/best").json()
    assert (result["search"], result["trials"]["completed"]) == ("mine", 2)
    assert (result["baseline"]["value"], result["best"]["value"]) == (1.0, 0.5)


def test_a_search_that_waits_for_its_first_driver(serve: Any, own_records: Any) -> None:
    gone = dict.fromkeys(("metric", "mode", "heartbeat", "wall"))
    own_records.search("mine", "queued", task="names-gru", **gone)
    own_records.search("alien", "queued", task="names-gru", **gone)
    own_records.tag(own_records.search("alien"), task="from-elsewhere", state="queued")
    status = serve().get("/searches/mine").json()
    assert status["objective"] == {"metric": "val_accuracy", "mode": "max"}
    assert (status["state"], status["trials"]["total"], status["wall_s"]) == ("queued", 0, None)


def test_fifty_clients_cost_mlflow_one_query_a_second(
    serve: Any, own_records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_records.search("mine")
    http = serve()
    assert http.get("/searches/mine").status_code == 200
    time.sleep(1.1)
    asked: list[str] = []
    for method in ("get_run", "search_runs", "search_experiments"):
        real = getattr(MlflowClient, method)

        def counted(self: Any, *args: Any, real: Any = real, **options: Any) -> Any:
            asked.append(real.__name__)
            return real(self, *args, **options)

        monkeypatch.setattr(MlflowClient, method, counted)
    started = time.monotonic()
    with ThreadPoolExecutor(10) as clients:
        answers = list(clients.map(lambda _: http.get("/searches/mine"), range(50)))
    seconds = time.monotonic() - started
    assert {answer.status_code for answer in answers} == {200}
    assert len(asked) <= 1 + seconds
    assert set(asked) == {"get_run"}


def test_tasks(serve: Any, line: Any) -> None:
    http = serve()
    tasks = http.get("/tasks").json()
    assert {
        "task": "diabetes",
        "summary": (find_description("diabetes").space.__doc__ or "").split("\n")[0],
    } in tasks
    schema = http.get("/tasks/diabetes/space").json()
    assert schema == find_description("diabetes").space.model_json_schema()
    said = line(http.get("/tasks/diabets/space"), 404)
    assert said == "there is no task 'diabets'; did you mean diabetes?"
