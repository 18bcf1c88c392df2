"""A submitted search's job: what it does when its driver is killed, and when it is told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuneyard.search.spec.files import parse_spec
from tuneyard.search.tracking.client import MlflowClient, set_tags
from tuneyard.search.tracking.runs import queue_search
from tuneyard.search.tracking.tags import SearchTags

START_SECONDS = 60.0


@pytest.fixture
def run_id(store: MlflowClient) -> str:
    """A search that waits in the queue."""
    spec = parse_spec({"task": "airplane-lstm", "name": "my-search", "trials": 2})
    return queue_search(store, spec, "ana").run_id


@pytest.fixture
def job(store: MlflowClient, run_id: str) -> Iterator[subprocess.Popen[str]]:
    """Its job, whose driver comes no further than to the Optuna storage, which is not there."""
    away = "postgresql://127.0.0.1:1/optuna"
    quiet = {"MLFLOW_TRACKING_URI": store.tracking_uri, "TUNEYARD_STUDIES": away}
    process = subprocess.Popen(
        [sys.executable, "-m", "tuneyard.search.jobs.runner", "my-search"],
        env=os.environ | quiet,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def driver(job: subprocess.Popen[str], other_than: int = 0) -> int:
    """The process of the job's driver, once it is there."""
    children = Path(f"/proc/{job.pid}/task/{job.pid}/children")
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        found = [int(text) for text in children.read_text().split()]
        # between fork and exec it is still the job
        if found and found != [other_than] and b"resume" in _command(found[0]):
            return found[0]
        time.sleep(0.02)
    raise AssertionError("the job started no driver")


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_job_that_is_stopped_closes_its_run(
    job: subprocess.Popen[str], store: MlflowClient, run_id: str
) -> None:
    driver(job)
    # as Ray does: every process of the job is told
    os.killpg(job.pid, signal.SIGTERM)
    assert job.wait(60) == signal.SIGTERM
    run = store.get_run(run_id)
    assert run.info.status == "KILLED"
    assert run.data.tags["tuneyard.state"] == "stopped"


def test_a_driver_that_is_killed_is_started_again(
    job: subprocess.Popen[str], store: MlflowClient, run_id: str
) -> None:
    first = driver(job)
    os.kill(first, signal.SIGKILL)
    assert driver(job, other_than=first) != first
    # the second one ends by itself, with an error that a third one would meet, too
    _, said = job.communicate(timeout=120)
    assert job.returncode == 2
    assert said.count("killed by signal 9; it is started again") == 1
    assert "the Optuna storage does not answer" in said
    # nobody waits for a search that no driver can begin
    run = store.get_run(run_id)
    assert (run.info.status, run.data.tags["tuneyard.state"]) == ("FAILED", "failed")
    assert run.data.tags["tuneyard.reason"].startswith("the Optuna storage does not answer")


def test_a_driver_that_refuses_leaves_a_search_as_it_was(
    job: subprocess.Popen[str], store: MlflowClient, run_id: str
) -> None:
    # it had ended, and was put into the queue again
    store.set_terminated(run_id, "FINISHED", end_time=1_700_000_000_000)
    set_tags(store, run_id, SearchTags(state="queued", before="completed"))
    _, said = job.communicate(timeout=120)
    assert job.returncode == 2
    assert "Traceback" not in said
    run = store.get_run(run_id)
    assert (run.info.status, run.info.end_time) == ("FINISHED", 1_700_000_000_000)
    assert run.data.tags["tuneyard.state"] == "completed"
    assert run.data.tags["tuneyard.reason"].startswith("the Optuna storage does not answer")


def test_a_job_that_mlflow_does_not_hear_says_so(store: MlflowClient) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tuneyard.search.jobs.runner", "my-search"],
        env=os.environ | {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("MLflow was not told that the driver has ended")


def test_a_stop_between_two_drivers_starts_no_other(
    job: subprocess.Popen[str], store: MlflowClient, run_id: str
) -> None:
    os.kill(driver(job), signal.SIGKILL)
    assert job.stderr
    assert "it is started again" in job.stderr.readline()
    job.terminate()
    assert job.wait(60) == signal.SIGTERM
    assert store.get_run(run_id).data.tags["tuneyard.state"] == "stopped"
