"""Searches in folders of their own, drivers that can be killed, and what holds of every record."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import optuna
import pytest
import ray
import yaml
from mlflow import MlflowClient
from mlflow.entities import Run
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from tuneyard.search import SearchResult, Settings
from tuneyard.search.api import resume, search
from tuneyard.search.models.champions import find_result
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.storage.folder import SPEC, SearchFolder
from tuneyard.search.tracking.client import connect
from tuneyard.search.tracking.runs import find_experiment

STATUS = {
    "completed": "FINISHED",
    "early_stopped": "FINISHED",
    "pruned": "KILLED",
    "diverged": "FAILED",
    "out_of_memory": "FAILED",
    "failed": "FAILED",
}
OPTUNA_STATE = {"FINISHED": "COMPLETE", "KILLED": "PRUNED", "FAILED": "FAIL"}


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TUNEYARD_STORAGE", "TUNEYARD_STUDIES", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def settings(tmp_path: Path, mlflow_database: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A folder of the test's own, which is the working folder too."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(mlflow_database, tmp_path / "mlflow.db")
    return Settings(
        storage=tmp_path / "searches", tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}"
    )


class Records:
    """What a search has left: its runs in MLflow, its mirrored study, its folder."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.folder = SearchFolder(settings.storage, name)
        self.client = MlflowClient(settings.tracking_uri)
        self.name = name
        self._studies = settings.studies

    @property
    def parent(self) -> Run:
        named = f"tags.`tuneyard.search` = '{self.name}'"
        (found,) = self._runs(f"{named} and tags.`tuneyard.task` LIKE '%'")
        return found

    @property
    def children(self) -> list[Run]:
        """The trials' runs, by number."""
        found = self._runs(f"tags.`mlflow.parentRunId` = '{self.parent.info.run_id}'")
        return sorted(found, key=lambda one: int(one.data.tags["tuneyard.number"]))

    def _runs(self, wanted: str) -> list[Run]:
        experiments = [one.experiment_id for one in self.client.search_experiments()]
        return list(self.client.search_runs(experiments, filter_string=wanted, max_results=1000))

    def epochs(self, run: Run) -> list[int]:
        """The epochs of a trial's curve, as often as they were logged."""
        history = self.client.get_metric_history(run.info.run_id, "train_loss")
        return sorted(point.step for point in history)

    @property
    def trials(self) -> dict[int, FrozenTrial]:
        """The mirrored study by number; none comes twice."""
        storage: Any = self._studies
        if storage is None:
            storage = JournalStorage(JournalFileBackend(f"{self.folder.path}/study.journal"))
        try:
            trials = optuna.load_study(study_name=self.name, storage=storage).trials
        except KeyError:
            # the search has begun, and its study has not
            return {}
        found = {trial.user_attrs["number"]: trial for trial in trials}
        assert len(found) == len(trials)
        return found

    def check(self, result: SearchResult) -> None:
        """What holds for every search: MLflow, the study, the folder and the result agree."""
        parent, runs, trials = self.parent, self.children, self.trials
        states = [one.data.tags["tuneyard.state"] for one in runs]
        assert parent.info.status in ("FINISHED", "KILLED", "FAILED")
        assert len(runs) == result.trials["total"] == len(trials)
        counts = Counter(states)
        assert {state: counts[state] for state in STATUS} == {
            state: result.trials[state] for state in STATUS
        }
        assert [one.info.status for one in runs] == [STATUS[state] for state in states]
        assert all(one.info.end_time for one in runs)
        for number, one in enumerate(runs):
            frozen = trials[number]
            assert one.data.tags["tuneyard.number"] == str(number)
            assert frozen.state.name == OPTUNA_STATE[one.info.status], one.data.tags
            if frozen.state.name == "COMPLETE":
                assert frozen.value == float(one.data.tags["tuneyard.value"])
            epochs = self.epochs(one)
            assert len(set(epochs)) == len(epochs), f"epochs of trial {number} come twice"
        uploaded = [
            one for one in runs if self.client.list_artifacts(one.info.run_id, "checkpoint")
        ]
        eligible = [one for one in runs if one.data.tags["tuneyard.eligible"] == "true"]
        # not parsed as a spec: its task may be one that only the search had
        spec = yaml.safe_load(self.folder.read(SPEC))
        most = spec.get("keep_checkpoints", SearchSpec.model_fields["keep_checkpoints"].default)
        kept = self.folder.kept_trials()
        assert len(kept) == len(uploaded) == min(most, len(eligible))
        assert {int(one.data.tags["tuneyard.number"]) for one in uploaded} == set(map(int, kept))
        found = find_result(self.client, self.name)
        assert found.model_dump(exclude={"wall_s"}) == result.model_dump(exclude={"wall_s"})


@pytest.fixture
def records() -> type[Records]:
    """``records(settings, name)``."""
    return Records


class Drivers:
    """Processes that run searches on the tests' Ray; each can be killed in mid-search."""

    def __init__(self, address: str) -> None:
        self._address = address
        # torch, Ray and MLflow are imported once, in the process that the others are forked from
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(
            ["tuneyard.search.api", "tuneyard.search.stages.driver"]
        )
        self._running: list[BaseProcess] = []

    def start(self, settings: Settings, **values: Any) -> BaseProcess:
        """A new search."""
        return self._start(search, parse_spec(values), settings)

    def resume(self, settings: Settings, name: str) -> BaseProcess:
        """A search that goes on."""
        return self._start(resume, name, settings)

    def _start(
        self, what: Callable[..., SearchResult], name: Any, settings: Settings
    ) -> BaseProcess:
        # the experiment's artifacts lie in the working folder of who makes it
        find_experiment(connect(settings.tracking_uri), "airplane-lstm")
        there = settings.model_copy(update={"address": self._address})
        process = self._context.Process(target=what, args=(name, there))
        process.start()
        self._running.append(process)
        return process

    @staticmethod
    def wait(process: BaseProcess, until: Callable[[], object]) -> None:
        """Waits for something to happen in a search that runs."""
        end = time.monotonic() + 120
        while not until():
            assert process.is_alive(), f"the driver ended with {process.exitcode}"
            assert time.monotonic() < end
            time.sleep(0.05)

    @staticmethod
    def interrupt(process: BaseProcess) -> None:
        """Ctrl+C, and what the driver does then."""
        os.kill(process.pid or 0, signal.SIGINT)
        process.join(60)
        assert process.exitcode == 0

    @staticmethod
    def kill(process: BaseProcess) -> None:
        """Ends a driver at once; its trials are gone, too, when this returns."""
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        end = time.monotonic() + 60
        while ray.available_resources().get("CPU") != ray.cluster_resources()["CPU"]:
            assert time.monotonic() < end, "its trials live on"
            time.sleep(0.05)

    def close(self) -> None:
        for process in self._running:
            process.kill()
            process.join()


@pytest.fixture
def drivers(local_ray: None, object_store: str) -> Iterator[Drivers]:
    """Drivers on the tests' Ray, who reach the object store; at the end they are killed."""
    drivers = Drivers(ray.get_runtime_context().gcs_address)
    yield drivers
    drivers.close()
