"""Real searches, to be killed; with `TUNEYARD_FAULTS=whole` every test of the faults is whole."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import cloudpickle
import optuna
import psutil
import pytest
import ray
from mlflow import MlflowClient
from mlflow.entities import Run
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from tuneyard.search import Settings

INJECTED: Counter[str] = Counter()
PATIENCE = 300.0
COMMAND = (sys.executable, "-P", "-m", "tuneyard.search.cli")


@pytest.fixture(scope="session")
def injected() -> Callable[..., None]:
    """``injected(what, times=1)`` counts a fault, or what was found whole after it."""
    return lambda what, times=1: INJECTED.update({what: times})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How often each fault was injected."""
    if INJECTED:
        terminalreporter.section("faults injected, and what was found whole")
    for what, times in sorted(INJECTED.items()):
        terminalreporter.write_line(f"{times:7,} {what}")


class Place:
    """A folder with an MLflow store and searches, and commands that run there.

    Attributes:
        path: The folder.
        uri: MLflow's address.
    """

    def __init__(self, path: Path, database: Path) -> None:
        self.path = path
        shutil.copy(database, path / "mlflow.db")
        self.uri = f"sqlite:///{path / 'mlflow.db'}"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TUNEYARD_", "MLFLOW_", "PYTHONPATH"))
        }
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """A command of tuneyard, whose output is in the file ``log``."""
        with (self.path / "log").open("ab") as log:
            process = subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=self.path,
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command of tuneyard, to its end."""
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.path,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    @staticmethod
    def kill(process: subprocess.Popen[bytes]) -> None:
        """Ends a process and all that it has started, Ray and its workers too, at once."""
        try:
            tree = [psutil.Process(process.pid)]
            tree += tree[0].children(recursive=True)
        except psutil.NoSuchProcess:
            tree = []
        for one in tree:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(tree, timeout=30)
        process.wait(timeout=30)

    def wait(self, process: subprocess.Popen[bytes], until: Callable[[], object]) -> bool:
        """Waits for something to happen; false where the process has ended before."""
        end = time.monotonic() + PATIENCE
        while not until():
            if process.poll() is not None:
                return bool(until())
            assert time.monotonic() < end, self.log[-4000:]
            time.sleep(0.02)
        return True

    @property
    def log(self) -> str:
        """What the commands that were started have printed."""
        return (self.path / "log").read_text(errors="replace")

    def folder(self, search: str) -> Path:
        """Of a search."""
        return self.path / "tuneyard-searches" / search

    def close(self) -> None:
        """Ends whatever still runs."""
        for process in self._running:
            self.kill(process)


@pytest.fixture
def place(tmp_path: Path, mlflow_database: Path) -> Iterator[Place]:
    """An empty place; what still runs there at the end is killed."""
    place = Place(tmp_path, mlflow_database)
    yield place
    place.close()


class Found:
    """What a search has left: its folder, its runs in MLflow, its study."""

    def __init__(self, place: Place, search: str, uri: str | None = None) -> None:
        self.folder = place.folder(search)
        self.client = MlflowClient(uri or place.uri)
        self.search = search
        experiments = [one.experiment_id for one in self.client.search_experiments()]
        named = f"tags.`tuneyard.search` = '{search}'"
        runs = list(self.client.search_runs(experiments, named, max_results=5000))
        (self.parent,) = [run for run in runs if "tuneyard.task" in run.data.tags]
        self.children = sorted(
            (run for run in runs if "tuneyard.number" in run.data.tags),
            key=lambda run: int(run.data.tags["tuneyard.number"]),
        )

    @property
    def ended(self) -> dict[int, dict[str, Any]]:
        """The trials that have ended, by number, as their files say."""
        return {
            int(file.stem): json.loads(file.read_text())
            for file in sorted((self.folder / "ended").glob("*.json"))
        }

    @property
    def versions(self) -> list[Any]:
        """The registered models of the search."""
        return [
            version
            for version in self.client.search_model_versions()
            if version.tags.get("tuneyard.search") == self.search
        ]

    def steps(self, run: Run, metric: str) -> list[int]:
        """The epochs of a curve, as often as they were written."""
        history = self.client.get_metric_history(run.info.run_id, metric)
        return sorted(point.step for point in history)

    def check(self, trials: int, metric: str) -> None:
        """What must hold of a search that has ended, whatever happened to it before."""
        numbers = list(range(trials))
        assert sorted(self.ended) == numbers, "each trial has ended once"
        assert [int(run.data.tags["tuneyard.number"]) for run in self.children] == numbers
        assert not [run for run in self.children if run.info.status == "RUNNING"]
        for number, run in enumerate(self.children):
            record = self.ended[number]["record"]
            assert run.data.tags["tuneyard.state"] == record["state"]
            epochs = self.steps(run, f"train_{metric}")
            assert epochs == list(range(1, record["epoch"] + 1)), f"the curve of trial {number}"
        result = json.loads((self.folder / "result.json").read_text())
        assert result["state"] == self.parent.data.tags["tuneyard.state"] == "completed"
        assert self.parent.info.status == "FINISHED"
        assert result["trials"]["total"] == trials
        values = [
            one["record"]["value"] for one in self.ended.values() if one["record"]["checkpoint"]
        ]
        assert result["best"]["value"] == min(values)
        assert len(self.versions) == 1
        assert self.versions[0].run_id == result["best"]["mlflow_run_id"]
        states = Counter(one["record"]["state"] for one in self.ended.values())
        assert {name: count for name, count in result["trials"].items() if count} == {
            "total": trials,
            **states,
        }
        journal = JournalStorage(JournalFileBackend(str(self.folder / "study.journal")))
        stored = optuna.load_study(study_name=self.search, storage=journal).trials
        assert sorted(trial.user_attrs["number"] for trial in stored) == numbers


@pytest.fixture
def found(place: Place) -> Callable[..., Found]:
    """``found(search)``, see `Found`."""
    return lambda search, uri=None: Found(place, search, uri)


@pytest.fixture
def settings(place: Place, local_ray: None, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Where a search of this process, or of one forked from it, runs: on the tests' Ray."""
    monkeypatch.chdir(place.path)
    return Settings(storage=place.path / "tuneyard-searches", tracking_uri=place.uri)


class ByValue:
    """A function of a test for a process that can't import the tests."""

    def __init__(self, function: Callable[..., None]) -> None:
        self._module = sys.modules[function.__module__]
        self._function = function

    def __call__(self, *arguments: Any) -> None:
        self._function(*arguments)

    def __reduce__(self) -> tuple[Callable[[bytes], object], tuple[bytes]]:
        cloudpickle.register_pickle_by_value(self._module)
        return cloudpickle.loads, (cloudpickle.dumps(self._function),)


@pytest.fixture
def forked(local_ray: None) -> Iterator[Callable[..., BaseProcess]]:
    """Starts a function in a process of its own, with a search's settings for the tests' Ray."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tuneyard.search.api", "tuneyard.search.stages.driver"])
    address = ray.get_runtime_context().gcs_address
    running: list[BaseProcess] = []

    def start(function: Callable[..., None], *arguments: Any) -> BaseProcess:
        there = [
            one.model_copy(update={"address": address}) if isinstance(one, Settings) else one
            for one in arguments
        ]
        process = context.Process(target=ByValue(function), args=there)
        process.start()
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.join()
