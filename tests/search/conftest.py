"""What the tests of a search share: an environment of their own, and a real MLflow."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow.artifacts
import numpy as np
import pytest
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion

from tuneyard.datasets import Dataset
from tuneyard.search.models.registry import register, save
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.storage.trial_files import TrialFiles
from tuneyard.search.tracking import writer as mlflow_writer
from tuneyard.search.tracking.client import MlflowClient, connect
from tuneyard.search.tracking.recorder import Recorder
from tuneyard.search.tracking.runs import ChildRun, SearchRun, start_search
from tuneyard.search.tracking.tags import VersionTags
from tuneyard.search.trials.clock import Clock
from tuneyard.search.trials.record import Params, State, TrialRecord
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.searchable import FinalModel


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TUNEYARD_DATA", "TUNEYARD_STORAGE", "TUNEYARD_STUDIES", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(mlflow_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """A local store of its own; its artifacts go to the test's folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(mlflow_database, tmp_path / "mlflow.db")
    return connect(f"sqlite:///{tmp_path}/mlflow.db")


class Server:
    """A real tracking server, which can be killed and started again on the same store."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, unless it runs, without waiting for it."""
        if self._process is not None:
            return
        options = {
            "--host": "127.0.0.1",
            "--port": str(self.port),
            "--backend-store-uri": f"sqlite:///{self.folder}/server.db",
            "--artifacts-destination": str(self.folder / "artifacts"),
            "--workers": "1",
        }
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *sum(options.items(), ())],
                cwd=self.folder,
                env=os.environ | quiet,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Waits until it answers."""
        until = time.monotonic() + 90
        while time.monotonic() < until:
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "server.log").read_text()
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                urllib.request.urlopen(f"{self.uri}/health", timeout=2).close()
                return
            time.sleep(0.1)
        raise AssertionError("the MLflow server did not start")

    def kill(self) -> None:
        """Ends it without a chance to finish anything: it and its worker, by their group."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@pytest.fixture(scope="session", autouse=True)
def _server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
) -> Iterator[Server]:
    """Starts the server, where a test needs it, while the first tests run: it takes ten seconds."""
    server = Server(tmp_path_factory.mktemp("server"), free_port())
    if any("mlflow_server" in getattr(item, "fixturenames", ()) for item in request.session.items):
        server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def mlflow_server(_server: Server) -> Server:
    """One server for all tests that need one."""
    _server.start()
    _server.wait()
    return _server


LOSS = Objective("val_loss", "min")
DATA = Dataset(
    "tiny",
    {"x": np.arange(3.0)},
    {"train": np.array([0]), "val": np.array([1]), "test": np.array([2])},
    classes=(),
    stratify=None,
    source="package",
)


def by_loss(spec: SearchSpec) -> ResolvedSpec:
    """A search whose trials are ranked by their validation loss."""
    search = ResolvedSpec.of(spec)
    return replace(search, task=replace(search.task, objective=LOSS))


class Search:
    """A search being recorded.

    Attributes:
        data: What it claims to search on.
    """

    data = DATA

    def __init__(self, client: MlflowClient, storage: Path, **values: Any) -> None:
        self.client = client
        self.spec: SearchSpec = parse_spec(
            {"task": "diabetes", "name": "my-search", "folds": 1} | values
        )
        self.search = by_loss(self.spec)
        self.run: SearchRun = start_search(client, self.search, DATA)
        self.folder = SearchFolder(storage, self.search.name)
        self.folder.make()
        self.files = TrialFiles(self.folder)
        self.go_on({})

    def go_on(self, children: dict[int, ChildRun]) -> None:
        """A recorder of a run of the search, which knows the trials' runs of those before."""
        self.clock = Clock(self.spec.trials, None)
        self.recorder = Recorder(
            self.client, self.run, self.search, self.clock, self.files, self.folder, children
        )

    def start(self, number: int, params: Params) -> TrialRecord:
        record = TrialRecord(number, params, current=params)
        self.recorder.started(record)
        return record

    def train(
        self, record: TrialRecord, losses: list[float], state: State = "running", **more: Any
    ) -> None:
        """Some more epochs."""
        first = record.epoch + 1
        record.epoch += len(losses)
        record.state, record.node = state, "node-a"
        for epoch, loss in enumerate(losses, first):
            if record.value is None or loss < record.value:
                record.value, record.best_epoch, record.best_params = loss, epoch, record.current
        history = {"train_loss": [2 * loss for loss in losses], "val_loss": losses} | more
        self.files.progressed(record, history)
        self.recorder.progressed(record, history)

    def end(self, record: TrialRecord, state: State = "completed", saved: bool = True) -> None:
        record.state, record.reason = state, record.reason or state
        record.checkpoint = f"checkpoints/{record.number:05d}/checkpoint_000000" if saved else None
        self.recorder.ended(record)

    def flush(self) -> None:
        assert self.recorder.writer.flush(20) == 0

    def trial(self, number: int = 0) -> Run:
        run_id = self.recorder.writer.run_id(number)
        assert run_id is not None
        return self.client.get_run(run_id)

    def curve(self, run: Run, name: str) -> list[tuple[int, float]]:
        history = self.client.get_metric_history(run.info.run_id, name)
        return sorted((metric.step, metric.value) for metric in history)

    def text(self, artifact: str, run_id: str | None = None) -> str:
        where = f"runs:/{run_id or self.run.run_id}/{artifact}"
        return mlflow.artifacts.load_text(where)


@pytest.fixture
def record_search(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Search]:
    """Begins a search in the local store."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.tracking_uri)
    monkeypatch.setattr(mlflow_writer, "FLUSH_SECONDS", 0.2)
    return lambda **values: Search(store, tmp_path / "searches", **values)


@pytest.fixture(scope="session")
def register_final() -> Callable[..., ModelVersion]:
    """Saves a model and registers it; see `tuneyard.search.models.registry`."""

    def make(
        client: MlflowClient, final: FinalModel, task: str, run_id: str, tags: VersionTags
    ) -> ModelVersion:
        with tempfile.TemporaryDirectory() as here:
            files = Path(here) / "model"
            save(final, files)
            return register(client, files, task=task, run_id=run_id, tags=tags)

    return make
