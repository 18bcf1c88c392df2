"""An MLflow server that is away in mid-search, or for ever: nothing is missing in the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

WHOLE = os.environ.get("TUNEYARD_FAULTS") == "whole"
AWAY_SECONDS = 20.0 if WHOLE else 5.0
SEARCH = ("linear-regression", "--set", "epochs=60", "--trials", "40", "--name", "mine")


class Server:
    """A real MLflow server of one folder, which can be killed and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        self.uri = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        options = {
            "--host": "127.0.0.1",
            "--port": str(self._port),
            "--backend-store-uri": f"sqlite:///{self._folder}/server.db",
            "--artifacts-destination": str(self._folder / "artifacts"),
            "--workers": "1",
        }
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *sum(options.items(), ())],
                cwd=self._folder,
                env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + 90
        while time.monotonic() < until:
            with suppress(OSError):
                urllib.request.urlopen(f"{self.uri}/health", timeout=2).close()
                return
            time.sleep(0.1)
        raise AssertionError("the MLflow server did not start")

    def kill(self) -> None:
        """Ends it at once, with its workers."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, 9)
            self._process.wait()
            self._process = None


@pytest.fixture
def server(place: Any, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Server]:
    server = Server(tmp_path, free_port())
    server.start()
    yield server
    server.kill()


def begun(place: Any, driver: Any) -> None:
    """Waits until some trials have ended."""
    ended = place.folder("mine") / "ended"
    assert place.wait(driver, lambda: len(list(ended.glob("*.json"))) >= 3), place.log


def test_a_server_that_comes_back_misses_nothing(
    place: Any, server: Server, found: Callable[..., Any], injected: Callable[..., None]
) -> None:
    driver = place.start("search", *SEARCH, "--tracking-uri", server.uri)
    begun(place, driver)
    server.kill()
    injected(f"MLflow servers killed for {AWAY_SECONDS:g} s")
    time.sleep(AWAY_SECONDS)
    server.start()
    assert driver.wait(300) == 0, place.log
    found("mine", server.uri).check(40, "loss")
    assert "Traceback" not in place.log


def test_what_a_server_never_heard_is_written_by_sync(
    place: Any, server: Server, found: Callable[..., Any], injected: Callable[..., None]
) -> None:
    """Into another one, which knows nothing of the search."""
    driver = place.start("search", *SEARCH, "--tracking-uri", server.uri)
    begun(place, driver)
    server.kill()
    injected("MLflow servers killed for ever")
    assert driver.wait(400) == 0, place.log
    assert "tuneyard sync mine" in place.log
    assert "Traceback" not in place.log
    result = json.loads((place.folder("mine") / "result.json").read_text())
    assert (result["state"], result["trials"]["total"]) == ("completed", 40)
    done = place.run("sync", "mine", "--tracking-uri", place.uri)
    assert done.returncode == 0, done.stderr
    found("mine", place.uri).check(40, "loss")
    # and the one that knows some of it
    server.start()
    for _ in range(2):
        done = place.run("sync", "mine", "--tracking-uri", server.uri)
        assert done.returncode == 0, done.stderr
    found("mine", server.uri).check(40, "loss")
