"""Fixtures of all tests: real data, one Ray, one PostgreSQL, one object store, the wheel."""

import contextlib
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import ray
from PIL import Image
from uv import find_uv_bin
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[1]
BESIDE = ROOT.parent / "shared" / "data"
PACKAGES = ("datasets", "search", "spaces", "trainables")

# the object store of the tests lets anybody in who says a name
AWS = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "tests",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Together(LoadScopeScheduling):
    """Which tests one process of pytest-xdist runs: what they share is started once."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


LONGEST = ("local_ray", "installed", "tests/end_to_end/test_every_task.py")
"""They begin first, or one process would run them long after the other has ended."""


ALONE = ("/test_killed_drivers.py", "/test_lost_ray.py", "/test_mlflow_away.py")
"""Tests of faults that start a Ray of their own with each driver."""


def scope_of(nodeid: str) -> str:
    """What a test shares a process with."""
    file = nodeid.partition("::")[0]
    if file in LONGEST:
        return file
    if file.endswith(("/test_wheel.py", "/test_own_models.py")):
        return "installed"
    if "/end_to_end/" in file or file.endswith("_on_ray.py"):
        return "local_ray"
    if "/service/" in file:
        return "service"
    if "/faults/" in file and not file.endswith(ALONE):
        return "faults"
    # the longest file by far shares nothing
    return nodeid if file.endswith("/test_contract.py") else file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the `LONGEST` first in the processes of pytest-xdist."""
    if hasattr(config, "workerinput"):
        ranks = {scope: rank for rank, scope in enumerate(LONGEST)}
        items.sort(key=lambda item: ranks.get(scope_of(item.nodeid), len(LONGEST)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Of `pytest --numprocesses=2`."""
    return Together(config, log)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data: TUNEYARD_DATA, else `shared/data` beside the checkout."""
    named = os.environ.get("TUNEYARD_DATA")
    folder = Path(named) if named else BESIDE
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder; name another with TUNEYARD_DATA")
    return folder


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 48 small pictures, 16 each of blue, green and red noise."""
    folder = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(0)
    for channel, name in ((2, "blue"), (1, "green"), (0, "red")):
        (folder / name).mkdir()
        for number in range(16):
            pixels = draw.integers(0, 120, (40, 50, 3), dtype=np.uint8)
            pixels[..., channel] += 100
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """One Ray for all tests: two CPUs, and one GPU that is there for the scheduler alone."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in AWS.items():
            patch.setenv(name, value)  # for its workers
        ray.init(
            address="local",
            num_cpus=2,
            num_gpus=1,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow store, to be copied: making one takes some seconds."""
    from tuneyard.search.tracking.client import connect

    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    with contextlib.chdir(path.parent):  # where MLflow makes the folder of artifacts
        connect(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _object_store() -> Iterator[str]:
    from moto.server import ThreadedMotoServer  # takes a second

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # or each request is a line
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"{host}:{port}"
    server.stop()


@pytest.fixture
def object_store(_object_store: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty bucket in a real S3 server."""
    from pyarrow.fs import S3FileSystem

    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{secrets.token_hex(4)}"
    store = S3FileSystem(endpoint_override=_object_store, scheme="http", allow_bucket_creation=True)
    store.create_dir(bucket)
    return f"s3://{bucket}/searches?endpoint_override={_object_store}&scheme=http"


def find_free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Finds a port of 127.0.0.1 on which nothing listens, a new one with each call."""
    return find_free_port


class Postgres:
    """A real PostgreSQL server, which can be stopped and started again.

    Args:
        binaries: The folder of its programs.
        folder: A folder that is there and empty.
    """

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries, self._folder = binaries, folder
        self._port = find_free_port()
        self._password = secrets.token_hex(8)
        self._process: subprocess.Popen[bytes] | None = None
        # it refuses to run as root
        self._user: dict[str, Any] = {}
        if os.getuid() == 0:
            self._user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(folder, "nobody", "nogroup")
        password = folder / "password"
        password.write_text(self._password)
        options = ["--auth=scram-sha-256", "--username=tuneyard", f"--pwfile={password}"]
        subprocess.run(
            [
                binaries / "initdb",
                *options,
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
                f"{folder}/data",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            **self._user,
        )

    @property
    def address(self) -> str:
        """Of a database for Optuna's studies."""
        return f"postgresql://tuneyard:{self._password}@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        options = {"-D": "data", "-h": "127.0.0.1", "-p": str(self._port), "-k": str(self._folder)}
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", *sum(options.items(), ()), "-c", "fsync=off"],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                **self._user,
            )
        until = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.address).close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self._folder / "log").read_text()
                assert time.monotonic() < until, "PostgreSQL does not answer"
                time.sleep(0.05)

    def stop(self) -> None:
        """Ends it with all its connections, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for all tests that need one; each has studies of its own names."""
    found = shutil.which("initdb")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"))  # Debian keeps it from the PATH
    if found:
        places.append(Path(found).resolve().parent)
    if not places:
        pytest.skip("no PostgreSQL here: apt install postgresql")
    # pytest's own folders are closed to other users
    with tempfile.TemporaryDirectory(prefix="tuneyard-postgres-") as folder:
        server = Postgres(places[-1], Path(folder))
        server.start()
        yield server
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.stop()


def outside_environment() -> dict[str, str]:
    """The environment variables of a person without this checkout."""
    leaky = ("PYTHONPATH", "VIRTUAL_ENV", "TUNEYARD_", "MLFLOW_")
    return {name: value for name, value in os.environ.items() if not name.startswith(leaky)}


@pytest.fixture(scope="session")
def own_environment() -> dict[str, str]:
    """See `outside_environment`."""
    return outside_environment()


def run_outside(*command: str | Path, cwd: Path) -> str:
    """A command's output, as of a person without this checkout; a failure shows its stderr."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=outside_environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def outside() -> Callable[..., str]:
    """``outside(*command, cwd=folder)``, see `run_outside`."""
    return run_outside


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, as setuptools leaves `build/` in the folder that it builds in."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    unwanted = shutil.ignore_patterns("__pycache__")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=unwanted)
    build = (find_uv_bin(), "build", "--wheel", "--no-build-isolation", "--python", sys.executable)
    run_outside(*build, "--out-dir", folder, cwd=source)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh environment of 6 GB: hard links into uv's cache, gone after the tests."""
    folder = tmp_path_factory.mktemp("environment")
    uv = find_uv_bin()
    try:
        run_outside(uv, "venv", "--python", sys.executable, folder / "venv", cwd=folder)
        locked = ("-r", ROOT / "requirements.lock", wheel, "datasets")
        into = ("--python", folder / "venv/bin/python")
        run_outside(uv, "pip", "install", *into, *locked, cwd=folder)
        yield folder / "venv"
    finally:
        shutil.rmtree(folder)
