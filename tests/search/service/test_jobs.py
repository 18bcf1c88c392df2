"""Searches submitted over HTTP, and what becomes of them on a real Ray with one slot."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

SPEC = {"task": "diabetes", "trials": 3, "space": {"epochs": 2}}


def wait_for(condition: Any, seconds: float = 60) -> Any:
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.1)
    return found


def submit(service: Any, name: str, **more: Any) -> dict[str, Any]:
    answer = service.http.post("/searches", json=SPEC | {"name": name} | more)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/searches/{name}"
    status: dict[str, Any] = answer.json()
    return status


def log(service: Any, name: str, **params: Any) -> str:
    answer = service.http.get(f"/searches/{name}/logs", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    return str(answer.text)


@pytest.fixture(autouse=True)
def _free_slot(service: Any) -> Iterator[None]:
    """Ends what a test leaves in the queue, so that the next one's search runs at once."""
    yield
    for state in ("queued", "running"):
        for one in service.http.get("/searches", params={"state": state}).json()["searches"]:
            service.http.post(f"/searches/{one['search']}/stop")


def test_a_search_in_the_queue(service: Any, records: Any, line: Any) -> None:
    status = submit(service, "first")
    assert (status["search"], status["state"], status["user"]) == ("first", "queued", "alice")
    assert (status["task"], status["budget"]) == ("diabetes", 3)
    assert status["objective"] == {"metric": "val_accuracy", "mode": "max"}
    assert (status["trials"]["total"], status["trials"]["running"]) == (0, 0)
    assert [status[key] for key in ("baseline", "best", "wall_s", "eta_s")] == [None] * 4
    assert status["mlflow"]["tracking_uri"] == records.uri
    run = records.client.get_run(status["mlflow"]["run_id"])
    assert run.data.tags["tuneyard.user"] == "alice"

    # there is one slot: the second search waits, and is taken out of the queue
    submit(service, "second")
    wait_for(lambda: "driver of first\n" in log(service, "first"))
    assert log(service, "second") == ""
    assert service.state("second") == "queued"
    stopped = service.http.post("/searches/second/stop")
    assert (stopped.status_code, stopped.json()["state"]) == (202, "stopped")
    run = records.client.get_run(stopped.json()["mlflow"]["run_id"])
    assert (run.info.status, run.data.tags["tuneyard.state"]) == ("KILLED", "stopped")

    assert "is stopped already" in line(service.http.post("/searches/second/stop"), 409)
    assert "waits in the queue already" in line(service.http.post("/searches/first/resume"), 409)


def test_a_search_whose_driver_died(service: Any, records: Any, line: Any) -> None:
    counts = {"total": 2, "running": 1, "completed": 1}
    run = records.search("third", "running", ago=100, heartbeat=0, budget=3, trials=counts)
    records.spec(run, trials=3)
    assert service.state("third") == "interrupted"
    resumed = service.http.post("/searches/third/resume")
    assert (resumed.status_code, resumed.json()["state"]) == (202, "queued")
    wait_for(lambda: "driver of third\n" in log(service, "third"))
    records.tag(run, state="running", heartbeat=time.time())
    wait_for(lambda: service.state("third") == "running")
    for action, body in (("resume", None), ("extend", {"trials": "+5"})):
        answer = service.http.post(f"/searches/third/{action}", json=body)
        assert "'third' runs; stop it first" in line(answer, 409)

    # nothing is heard of the driver; but its job is there, and may start it again
    records.tag(run, heartbeat=0)
    time.sleep(1.1)
    stopped = service.http.post("/searches/third/stop")
    assert (stopped.status_code, stopped.json()["state"]) == (202, "running")
    wait_for(lambda: service.state("third") == "interrupted")
    trial = records.trial(run, 1, "running")
    stopped = service.http.post("/searches/third/stop")
    assert (stopped.status_code, stopped.json()["state"]) == (202, "stopped")
    for one in (run, trial):
        assert records.client.get_run(one.info.run_id).info.status == "KILLED"


def test_stopped_resumed_and_extended(service: Any, records: Any, line: Any) -> None:
    status = submit(service, "fourth")
    assert service.http.post("/searches/fourth/stop").json()["state"] == "stopped"
    resumed = service.http.post("/searches/fourth/resume")
    assert (resumed.status_code, resumed.json()["state"]) == (202, "queued")
    wait_for(lambda: "driver of fourth\n" in log(service, "fourth"))
    service.http.post("/searches/fourth/stop")

    run = records.client.get_run(status["mlflow"]["run_id"])
    records.tag(run, trials='{"total": 3, "running": 0, "completed": 2, "pruned": 1}')
    refused = line(service.http.post("/searches/fourth/resume"), 409)
    assert refused == (
        "search 'fourth' has run its 3 trials; extend it: tuneyard resume fourth --trials +100"
    )
    refused = line(service.http.post("/searches/fourth/extend", json={"trials": "3"}), 409)
    assert refused.startswith("trials must be above the 3 that search 'fourth' has run, got 3")
    body = {"trials": "+4", "time": "20m", "target": -0.5}
    extended = service.http.post("/searches/fourth/extend", json=body)
    assert (extended.status_code, extended.json()["state"]) == (202, "queued")
    assert extended.json()["budget"] == 7
    # whichever driver begins finds it there, however often the job has to start one
    spec = records.recorded(run.info.run_id)
    assert (spec.trials, spec.time, spec.target) == (7, 1200.0, -0.5)
    said = wait_for(lambda: "driver of" in (text := log(service, "fourth")) and text)
    assert "driver of fourth\n" in said


def test_a_search_that_has_used_its_time(service: Any, records: Any, line: Any) -> None:
    counts = {"total": 4, "running": 0, "completed": 4}
    run = records.search("timed", "completed", budget=9, wall=700.5, trials=counts)
    records.spec(run, trials=9, time=600)
    used = "search 'timed' has used its 600 s; extend it: tuneyard resume timed --time 20m"
    assert line(service.http.post("/searches/timed/resume"), 409) == used
    more = service.http.post("/searches/timed/extend", json={"trials": "+5"})
    assert line(more, 409) == used
    nothing = line(service.http.post("/searches/timed/extend", json={}), 422)
    assert "must have trials, time or target" in nothing
    assert service.state("timed") == "completed"
    assert records.recorded(run.info.run_id).time == 600

    extended = service.http.post("/searches/timed/extend", json={"time": "20m"})
    assert (extended.status_code, extended.json()["state"]) == (202, "queued")
    # from now on: on top of what it has taken, not from whenever a driver starts
    spec = records.recorded(run.info.run_id)
    assert (spec.trials, spec.time) == (9, 700.5 + 1200)


def test_a_search_whose_spec_is_lost(service: Any, records: Any, line: Any) -> None:
    records.search("bare", "stopped")
    for action, body in (("resume", None), ("extend", {"target": 0})):
        said = line(service.http.post(f"/searches/bare/{action}", json=body), 409)
        assert said.startswith("search 'bare' has no spec.yaml among its artifacts in MLflow: ")
    assert service.state("bare") == "stopped"


def test_a_search_that_lacks_only_its_end_goes_on(service: Any, records: Any) -> None:
    counts = {"total": 3, "running": 0, "completed": 3}
    run = records.search("late", "running", ago=100, heartbeat=0, budget=3, trials=counts)
    records.spec(run, trials=3)
    resumed = service.http.post("/searches/late/resume")
    assert (resumed.status_code, resumed.json()["state"]) == (202, "queued")


def test_a_log_is_followed_to_its_end(service: Any) -> None:
    submit(service, "quick")
    with service.http.stream("GET", "/searches/quick/logs", params={"follow": True}) as answer:
        text = "".join(answer.iter_text())
    # Ray's own first line may come after the driver's first
    assert "driver of quick\n" in text
    assert text.endswith("driver ends\n")
    # nobody goes on with it: its driver ended without a word
    wait_for(lambda: log(service, "quick") == text)


def test_a_name_is_given_once(service: Any, line: Any) -> None:
    answers: list[httpx.Response] = []

    def send() -> None:
        answers.append(service.http.post("/searches", json=SPEC | {"name": "one.2"}))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.sort(key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [201, 409, 409, 409]
    assert line(answers[-1], 409) == ("there is a search 'one.2' already; give another name")
    service.http.post("/searches/one.2/stop")

    # "one.2" is what the second job of "one" would be called
    submit(service, "one")
    service.http.post("/searches/one/stop")
    assert service.http.post("/searches/one/resume").status_code == 202


def test_a_search_without_a_name_gets_one(service: Any) -> None:
    answer = service.http.post("/searches", json=SPEC)
    assert answer.status_code == 201
    name = answer.json()["search"]
    assert name.startswith("diabetes-")
    assert answer.headers["Location"] == f"/searches/{name}"


def test_a_spec_as_curl_sends_it(service: Any) -> None:
    body = '{"task": "diabetes", "name": "curled", "time": "20m", "sampler": "random"}'
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = service.http.post("/searches", content=body, headers=form)
    assert answer.status_code == 201, answer.text


def test_it_answers_the_same_after_it_was_killed(service: Any, records: Any) -> None:
    status = submit(service, "lasting")
    parent = records.client.get_run(status["mlflow"]["run_id"])
    for number in range(3):
        records.trial(parent, number)
    wait_for(lambda: "driver of lasting\n" in log(service, "lasting"))
    records.tag(
        parent,
        state="running",
        begun="true",
        metric="val_accuracy",
        mode="max",
        heartbeat=time.time() + 30,
    )
    paths = [f"/searches/lasting{part}" for part in ("", "/trials", "/best", "/logs")]
    time.sleep(1.1)  # what was asked before is forgotten
    asked = [service.http.get(path) for path in [*paths, "/searches", "/tasks"]]
    assert [answer.status_code for answer in asked] == [200] * 6
    service.kill()
    with pytest.raises(httpx.TransportError):
        service.http.get("/health")
    service.start()
    service.wait()
    again = [service.http.get(path) for path in [*paths, "/searches", "/tasks"]]
    for before, after in zip(asked, again, strict=True):
        assert after.text == before.text or before.request.url.path.endswith("/best")
    assert service.http.post("/searches/lasting/stop").status_code == 202
