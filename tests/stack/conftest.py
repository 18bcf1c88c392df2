"""The stack of docker-compose.yml on a real engine, with secrets, ports and volumes of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import httpx
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tuneyard.search.results.state import OVER
from tuneyard.search.results.status import SearchStatus

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "tuneyard-test"

Answer = TypeVar("Answer")


def wait_for(what: str, ask: Callable[[], Answer | None], seconds: float) -> Answer:
    """Asks until there is an answer."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class Stack:
    """The running stack: two workers of one CPU, one search at a time.

    Attributes:
        SHORT: A search of some seconds.
        workers: Host names of those that ran the finished searches.
        LONG: A search with trials of some ten seconds, none cut: time to break something.
    """

    SHORT: ClassVar[dict[str, Any]] = {
        "task": "airplane-lstm",
        "folds": 1,
        "space": {"epochs": 60},
    }
    LONG: ClassVar[dict[str, Any]] = {
        "task": "airplane-lstm",
        "folds": 1,
        "scheduler": "none",
        "space": {
            "epochs": 2000,
            "cell": "lstm",
            "num_layers": 1,
            "hidden_size": 8,
            "lookback": {"low": 2, "high": 8},
        },
    }

    ROOT = ROOT
    wait_for = staticmethod(wait_for)

    def __init__(self, free_port: Callable[[], int], tasks: Path) -> None:
        self.ports = {name: free_port() for name in ("API", "MLFLOW", "RAY")}
        self.token, self.ray_token = secrets.token_hex(24), secrets.token_hex(24)
        self.environment = {
            **{f"TUNEYARD_{name}_PORT": str(port) for name, port in self.ports.items()},
            **{
                name: secrets.token_hex(24)
                for name in (
                    "POSTGRES_PASSWORD",
                    "POSTGRES_MLFLOW_PASSWORD",
                    "POSTGRES_OPTUNA_PASSWORD",
                )
            },
            "RAY_AUTH_TOKEN": self.ray_token,
            "TUNEYARD_TOKENS": f"ana:{self.token},ben:{secrets.token_hex(24)}",
            "TUNEYARD_WORKER_CPUS": "1",
            "TUNEYARD_WORKERS": "2",
            "TUNEYARD_TASKS_VOLUME": str(tasks),
        }
        self.api = httpx.Client(
            base_url=self.url("API"),
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=30,
        )
        self.mlflow = MlflowClient(self.url("MLFLOW"))
        self.workers: set[str] = set()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def compose(self, *arguments: str) -> str:
        command = ["docker", "compose", "--project-name", PROJECT, "--env-file", os.devnull]
        done = subprocess.run(
            [*command, *arguments],
            cwd=ROOT,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout

    def up(self) -> None:
        """Starts what does not run, and waits until all is healthy."""
        self.compose("up", "--detach", "--wait", "--wait-timeout", "240")

    def hosts(self) -> set[str]:
        """The host names of the workers."""
        return {
            self.compose("exec", "-T", "--index", str(index), "ray-worker", "hostname").strip()
            for index in (1, 2)
        }

    def kill(self, service: str) -> None:
        """Kills one container of a service without a chance to finish anything."""
        container = self.compose("ps", "--quiet", service).split()[0]
        subprocess.run(["docker", "kill", container], check=True, capture_output=True)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of tuneyard on this machine, as a user of the cluster gives it."""
        client = {"TUNEYARD_CLUSTER": self.url("API"), "TUNEYARD_TOKEN": self.token}
        return subprocess.run(
            [sys.executable, "-m", "tuneyard.search.cli", *arguments],
            env=os.environ | client,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def submit(self, base: dict[str, Any], **values: Any) -> str:
        answer = self.api.post("/searches", json=base | values)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["search"])

    def status(self, search: str) -> SearchStatus:
        answer = self.api.get(f"/searches/{search}")
        assert answer.status_code == 200, answer.text
        return SearchStatus.model_validate(answer.json())

    def wait_over(self, search: str, seconds: float = 300) -> SearchStatus:
        def over() -> SearchStatus | None:
            status = self.status(search)
            return status if status.state in OVER else None

        return wait_for(f"{search} is over", over, seconds)

    def wait_ended(self, search: str, trials: int, seconds: float = 180) -> None:
        """Waits until so many trials of a search have ended."""

        def enough() -> bool:
            counts = self.status(search).trials
            return counts["total"] - counts["running"] >= trials

        wait_for(f"{trials} trials of {search} have ended", enough, seconds)

    def trials(self, search: str) -> dict[int, Run]:
        """The runs of a search's trials in MLflow, by number; no number is there twice."""
        parent = self.status(search).mlflow
        runs = self.mlflow.search_runs(
            [parent.experiment_id],
            filter_string=f"tags.`mlflow.parentRunId` = '{parent.run_id}'",
            max_results=1000,
        )
        found = {int(run.data.tags["tuneyard.number"]): run for run in runs}
        assert len(found) == len(runs)
        return found

    def ended(self, search: str) -> dict[int, tuple[str, str, int]]:
        """Run, value and end of each trial that has ended."""
        return {
            number: (run.info.run_id, run.data.tags.get("tuneyard.value", ""), run.info.end_time)
            for number, run in self.trials(search).items()
            if run.info.status != "RUNNING"
        }

    def check_complete(self, search: str, trials: int) -> None:
        """All trials of a completed search are there, once, and closed."""
        status = self.wait_over(search)
        assert status.state == "completed", self.api.get(f"/searches/{search}/logs").text[-3000:]
        runs = self.trials(search)
        assert sorted(runs) == list(range(trials))
        assert {run.info.status for run in runs.values()} <= {"FINISHED", "KILLED", "FAILED"}
        assert all(run.data.tags["tuneyard.state"] != "failed" for run in runs.values())
        assert self.mlflow.get_run(status.mlflow.run_id).info.status == "FINISHED"
        best = self.api.get(f"/searches/{search}/best").json()
        assert best["trials"]["total"] == trials


def _mounted(folder: Path) -> Path:
    """A folder of tasks that the containers' user can read: a file, and a module beside it."""
    for name in ("two_tasks.py", "two_tasks_data.py"):
        shutil.copy(ROOT / "examples" / name, folder)
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def stack(
    free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """The stack, from build to down; `docker compose logs` are shown when it does not start."""
    stack = Stack(free_port, _mounted(tmp_path_factory.mktemp("tasks")))
    stack.compose("down", "--volumes", "--remove-orphans")
    started = time.monotonic()
    stack.compose("build")
    built = time.monotonic()
    try:
        try:
            stack.up()
        except AssertionError:
            print(stack.compose("logs", "--tail", "40"))
            raise
        print(f"\nbuilt in {built - started:.0f} s, up in {time.monotonic() - built:.0f} s")
        yield stack
    finally:
        stack.compose("down", "--volumes", "--remove-orphans")


@pytest.fixture(scope="session")
def finished(stack: Stack) -> tuple[str, str]:
    """Two searches that have finished: one submitted over HTTP, one by the command line."""
    over_http = stack.submit(stack.SHORT, name="over-http", trials=12)
    done = stack.command(
        *("submit", "airplane-lstm", "--name", "over-cli", "--trials", "6", "--folds", "1"),
        *("--set", "epochs=60", "--follow", "--json"),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["search"] == "over-cli"
    stack.wait_over(over_http)
    stack.workers = stack.hosts()
    return over_http, "over-cli"
