"""Whether a search's driver lives: what it writes, and what is concluded from that."""

import os
import socket
import subprocess
import time
from typing import Any

import pytest
from mlflow import MlflowClient

from tuneyard.search.tracking import heartbeat as mlflow_heartbeat
from tuneyard.search.tracking.heartbeat import (
    DEAD_SECONDS,
    Heartbeat,
    Pulse,
    driver_tags,
    heartbeat_age,
    process_of,
)
from tuneyard.search.tracking.tags import SearchTags
from tuneyard.search.trials.clock import Clock

HERE = socket.gethostname()


@pytest.fixture(scope="module")
def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def has_driver(tags: SearchTags, now: float, started: float = 0.0) -> bool:
    """As one who looks for the first time sees it."""
    return Pulse().beats("run", tags, now, started)


def tags(age: float, driver: str | None) -> SearchTags:
    found = {"tuneyard.heartbeat": str(time.time() - age)}
    return SearchTags.decode(found | ({"tuneyard.driver": driver} if driver else {}))


@pytest.mark.parametrize(
    ("driver", "age", "alive"),
    [
        ("HERE:THIS", 2.0, True),
        ("HERE:THIS", DEAD_SECONDS + 1, False),
        ("HERE:GONE", 2.0, False),
        ("another-host:GONE", 2.0, True),
        ("another-host:GONE", DEAD_SECONDS - 5, True),
        ("another-host:GONE", DEAD_SECONDS + 1, False),
        # a clock that is ahead
        ("another-host:GONE", -DEAD_SECONDS - 1, False),
        ("host:with:colons:GONE", 2.0, True),
        (None, 2.0, True),
    ],
)
def test_who_has_a_driver(driver: str | None, age: float, alive: bool, gone: int) -> None:
    if driver is not None:
        for word, meant in {"HERE": HERE, "THIS": os.getpid(), "GONE": gone}.items():
            driver = driver.replace(word, str(meant))
    found, now = tags(age, driver), time.time()
    assert has_driver(found, now) is alive
    assert heartbeat_age(found, now) == pytest.approx(age, abs=1)


def test_a_search_without_a_heartbeat_has_no_driver() -> None:
    assert not has_driver(SearchTags.decode({}), time.time())
    assert not has_driver(SearchTags.decode({"tuneyard.heartbeat": "0"}), time.time())


def test_a_run_that_was_just_made_counts_as_a_heartbeat(gone: int) -> None:
    now = time.time()
    assert heartbeat_age(SearchTags(), now, started=now - 5) == pytest.approx(5)
    assert has_driver(SearchTags(), now, started=now - 5)
    assert not has_driver(SearchTags(), now, started=now - DEAD_SECONDS - 1)
    assert not has_driver(SearchTags(driver=f"{HERE}:{gone}"), now, started=now - 5)


def at(heartbeat: float) -> SearchTags:
    return SearchTags(state="running", driver="another-host:1", heartbeat=heartbeat)


@pytest.mark.parametrize("skew", [-90.0, 3600.0])
def test_a_heartbeat_that_changes_is_that_of_a_living_driver(
    monkeypatch: pytest.MonkeyPatch, skew: float
) -> None:
    """Whatever the clock says that wrote it; and it is dead when it has stopped for a minute."""
    clock = 1000.0
    monkeypatch.setattr(mlflow_heartbeat.time, "monotonic", lambda: clock)
    pulse, now = Pulse(), time.time()
    assert not pulse.beats("run", at(now + skew), now), "a first guess"
    clock += 5
    assert pulse.beats("run", at(now + skew + 5), now + 5)
    clock += DEAD_SECONDS - 1
    assert pulse.beats("run", at(now + skew + 5), now + 64)
    clock += 2
    assert not pulse.beats("run", at(now + skew + 5), now + 66)
    clock += 2
    assert pulse.beats("run", at(now + skew + 70), now + 68)
    assert not Pulse().beats("another", at(0.0), now)


def test_a_process_of_this_host_decides(gone: int) -> None:
    """However old its heartbeat is; a number that another process has by now is not enough."""
    now = time.time()
    mine = driver_tags().model_copy(update={"heartbeat": now - 3600})
    assert has_driver(mine, now)
    other = mine.model_copy(update={"process": process_of("1") + "0", "heartbeat": now})
    assert not has_driver(other, now)
    assert not has_driver(mine.model_copy(update={"driver": f"{HERE}:{gone}"}), now)


def written(client: MlflowClient, run_id: str) -> dict[str, str]:
    found = client.get_run(run_id).data.tags
    return {
        name.removeprefix("tuneyard."): found[name]
        for name in ("tuneyard.heartbeat", "tuneyard.driver", "tuneyard.wall")
        if name in found
    }


def test_a_driver_writes_heartbeats_until_its_end(
    record_search: Any, store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_heartbeat, "BEAT_SECONDS", 0.2)
    search = record_search()
    search.flush()
    run_id = search.run.run_id
    assert "wall" not in written(store, run_id)
    seen = set()
    with Heartbeat(store, run_id, Clock(5, None, before=100.0)):
        until = time.monotonic() + 20
        while len(seen) < 3 and time.monotonic() < until:
            seen.add(written(store, run_id).get("heartbeat"))
            time.sleep(0.05)
        assert has_driver(SearchTags.decode(store.get_run(run_id).data.tags), time.time())
    assert len(seen) == 3
    last = written(store, run_id)
    assert last["driver"] == f"{HERE}:{os.getpid()}"
    assert time.time() - float(last["heartbeat"]) < 5
    assert 100.2 < float(last["wall"]) < 130
    time.sleep(0.5)
    assert written(store, run_id) == last, "nothing is written any more"


def test_an_mlflow_that_is_away_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING", "tuneyard")
    with Heartbeat(MlflowClient("http://127.0.0.1:9"), "0" * 32, Clock(5, None)):
        time.sleep(0.2)
    assert [record for record in caplog.records if record.name.startswith("tuneyard")] == []
