"""A real service in a process of its own, with a real MLflow store and a real Ray head."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from mlflow.entities import Param, Run

from tuneyard.search.jobs.queue import JobQueue
from tuneyard.search.service.app import create_app
from tuneyard.search.service.server import listen
from tuneyard.search.service.settings import ServiceSettings
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.recorded import read_recorded_spec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.tracking.client import MlflowClient, connect
from tuneyard.search.tracking.runs import SPEC, find_experiment, queued_spec
from tuneyard.spaces import to_text
from tuneyard.spaces.registry import descriptions, find_description

ALICE = "alice-has-a-token-of-her-own"
BOB = "bob-has-another-one-for-himself"
RAY_TOKEN = "a-token-for-ray-of-these-tests-alone"
NOWHERE = "http://127.0.0.1:9"
"""Where nothing listens."""

# `tuneyard serve`, but for what its jobs run: a driver takes long to start, and this one only waits
PROGRAM = """
import os, sys
from tuneyard.search.jobs.queue import JobQueue
from tuneyard.search.service.app import create_app
from tuneyard.search.service.server import listen, run
from tuneyard.search.service.settings import read_settings
settings = read_settings(os.environ)
app = create_app(settings, JobQueue(settings.ray_address, sys.argv[2]))
run(app, listen("127.0.0.1", int(sys.argv[1])), "")
"""
DRIVER = """
echo "driver of $@"
case $1 in quick*) sleep 0.5 ;; *) exec sleep 300 ;; esac
echo "driver ends"
"""


def clean_environment() -> dict[str, str]:
    """No setting of whoever runs the tests."""
    ours = ("TUNEYARD_", "MLFLOW_", "RAY_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the tasks' experiments, to be copied: making one takes some seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    with contextlib.chdir(folder):  # where MLflow makes the folder of artifacts
        client = connect(f"sqlite:///{folder}/empty.db")
        for task in descriptions():
            find_experiment(client, task)
    return folder / "empty.db"


class Records:
    """Searches as their drivers leave them in MLflow."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.client: MlflowClient = connect(uri)

    def search(self, name: str, state: str = "running", ago: float = 0, **tags: Any) -> Run:
        """A search's run, started some seconds ago, with a heartbeat since.

        Tags are given without their prefix, and None leaves one out.
        """
        known = {
            "search": name,
            "task": tags.get("task", "diabetes"),
            "state": state,
            "metric": "val_loss",
            "mode": "min",
            "budget": 10,
            "heartbeat": time.time(),
            "wall": 12.5,
        }
        given = {
            f"tuneyard.{key}": json.dumps(value) if isinstance(value, dict) else str(value)
            for key, value in (known | tags).items()
            if value is not None
        }
        experiment = find_experiment(self.client, given["tuneyard.task"])
        started = int(1000 * (time.time() - ago))
        run = self.client.create_run(experiment, started, given, run_name=name)
        if state in ("completed", "stopped", "failed"):
            self.client.set_terminated(run.info.run_id)
        return run

    def spec(self, run: Run, **values: Any) -> None:
        """Records what a search is."""
        known = {"task": run.data.tags["tuneyard.task"], "name": run.data.tags["tuneyard.search"]}
        self.client.log_text(run.info.run_id, parse_spec(known | values).to_yaml(), SPEC)

    def recorded(self, run_id: str) -> SearchSpec:
        """What a search is, as its run says."""
        return read_recorded_spec(queued_spec(self.client, self.client.get_run(run_id)))

    def trial(self, parent: Run, number: int, state: str = "completed", **tags: Any) -> Run:
        """A trial's run; it has ended unless it is running."""
        space = find_description(parent.data.tags["tuneyard.task"]).space.space()
        known = {"search": parent.data.tags["tuneyard.search"], "number": number, "state": state}
        if state != "running":
            known |= {"reason": state, "value": 1 / (number + 1), "best_epoch": 3}
            known |= {"eligible": "true"}
        given = {f"tuneyard.{key}": str(value) for key, value in (known | tags).items()}
        given["mlflow.parentRunId"] = parent.info.run_id
        run = self.client.create_run(parent.info.experiment_id, tags=given)
        params = space.flatten(space.baseline())
        self.client.log_batch(
            run.info.run_id, params=[Param(path, to_text(v)) for path, v in params.items()]
        )
        if state != "running":
            self.client.set_terminated(run.info.run_id)
        return run

    def tag(self, run: Run, **tags: Any) -> None:
        for key, value in tags.items():
            self.client.set_tag(run.info.run_id, f"tuneyard.{key}", value)


@pytest.fixture(scope="session")
def records(empty_database: Path) -> Records:
    """The store of the service."""
    shutil.copy(empty_database, empty_database.with_name("mlflow.db"))
    return Records(f"sqlite:///{empty_database.with_name('mlflow.db')}")


@pytest.fixture
def own_records(empty_database: Path, tmp_path: Path) -> Records:
    """A store of the test's own."""
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return Records(f"sqlite:///{tmp_path}/mlflow.db")


class RayHead:
    """A Ray with dashboard and jobs, one slot for searches, behind a token."""

    def __init__(self, folder: Path, free_port: Callable[[], int]) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = clean_environment() | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": RAY_TOKEN,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_JOB_START_TIMEOUT_SECONDS": "1000000",
        }
        ports = {name: free_port() for name in ("port", "ray-client-server-port")}
        ports |= {f"dashboard-agent-{one}-port": free_port() for one in ("listen", "grpc")}
        self._folder = folder
        self._options = [
            *(f"--{name}={port}" for name, port in ports.items()),
            "--node-ip-address=127.0.0.1",
            "--dashboard-host=127.0.0.1",
            f"--dashboard-port={self.port}",
            "--num-cpus=2",
            '--resources={"tuneyard_search": 1}',
            "--object-store-memory=100000000",
            f"--temp-dir={folder}",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, without waiting for it."""
        command = [Path(sys.executable).with_name("ray"), "start", "--head", "--block"]
        with (self._folder / "head.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *self._options],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Waits until jobs can be submitted."""
        headers = {"Authorization": f"Bearer {RAY_TOKEN}"}

        def ready() -> bool:
            return httpx.get(f"{self.address}/api/jobs/", headers=headers).status_code == 200

        wait_until(ready, 60)

    def kill(self) -> None:
        """Ends it by its group; its workers, which are none of that, end without it."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def wait_until(condition: Callable[[], object], seconds: float = 60) -> Any:
    """What a condition is once it is true."""
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.TransportError):
            if found := condition():
                return found
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.05)


class ServiceProcess:
    """The service, which can be killed and started again; its HTTP client has Alice's token."""

    def __init__(self, folder: Path, port: int, records: Records, ray: RayHead) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = ray.environment | {
            "MLFLOW_TRACKING_URI": records.uri,
            "RAY_API_SERVER_ADDRESS": ray.address,
            "TUNEYARD_TOKENS": f"alice:{ALICE},bob:{BOB}",
            "TUNEYARD_MAX_REQUESTS_PER_SECOND": "1000",
        }
        (folder / "driver.sh").write_text(DRIVER)
        self.http = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {ALICE}"}, timeout=30
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, without waiting for it."""
        with (self.folder / "service.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(self.port), f"sh {self.folder}/driver.sh"],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Waits until it answers."""
        wait_until(lambda: httpx.get(f"{self.url}/health").status_code == 200, 90)

    def kill(self) -> None:
        """Ends it without a chance to finish anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def state(self, search: str) -> str:
        """The state that it shows."""
        answer = self.http.get(f"/searches/{search}")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["state"])


@pytest.fixture(scope="session")
def service(
    tmp_path_factory: pytest.TempPathFactory, records: Records, free_port: Callable[[], int]
) -> Iterator[ServiceProcess]:
    """The service of all tests that need Ray."""
    with contextlib.ExitStack() as stack:
        # Ray's sockets lie in its folder, and their paths may not be long
        short = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp")))
        ray = RayHead(short, free_port)
        ray.start()
        stack.callback(ray.kill)
        process = ServiceProcess(tmp_path_factory.mktemp("service"), free_port(), records, ray)
        process.start()
        stack.callback(process.kill)
        ray.wait()
        process.wait()
        yield process


class Here:
    """A service in this process, on a real server."""

    def __init__(self, settings: ServiceSettings) -> None:
        queue = JobQueue(settings.ray_address)
        self._socket = listen("127.0.0.1", 0)
        config = uvicorn.Config(create_app(settings, queue), log_level="warning", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def __enter__(self) -> httpx.Client:
        self._thread.start()
        return self.http

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def serve(own_records: Records, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Starts a service without Ray on the test's own store; settings are given by name."""
    for name in [name for name in os.environ if name.startswith(("RAY_", "TUNEYARD_"))]:
        monkeypatch.delenv(name)
    with contextlib.ExitStack() as stack:

        def start(**settings: Any) -> httpx.Client:
            known = {"tracking_uri": own_records.uri, "ray_address": NOWHERE}
            return stack.enter_context(
                Here(ServiceSettings.model_validate(known | settings, by_name=True))
            )

        yield start


@pytest.fixture(scope="session")
def line() -> Callable[..., str]:
    """The one line of an answer that is a problem of that status."""

    def check(answer: httpx.Response, status: int) -> str:
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        body = answer.json()
        assert list(body) == ["type", "title", "status", "detail"]
        assert (body["type"], body["status"]) == ("about:blank", status)
        (detail,) = body["detail"].splitlines()
        return str(detail)

    return check
