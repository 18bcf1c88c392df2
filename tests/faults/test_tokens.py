"""A Ray cluster that takes a token, or is not there: one line says what to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

TOKEN = "0123456789abcdef" * 3
SEARCH = ("search", "linear-regression", "--trials", "1", "--set", "epochs=2", "--name", "mine")


@pytest.fixture
def cluster(free_port: Callable[[], int]) -> Iterator[str]:
    """The address of a Ray that takes a token."""
    port = free_port()
    command = [Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--num-cpus=1"]
    command += [f"--port={port}", f"--ray-client-server-port={free_port()}"]
    command += ["--node-ip-address=127.0.0.1", "--include-dashboard=false"]
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t-") as folder:
        more = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN, "RAY_TMPDIR": folder}
        with Path(folder, "log").open("w") as log:
            head = subprocess.Popen(command, env=os.environ | more, stdout=log, stderr=log)
        try:
            _wait(head, port, Path(folder, "log"))
            yield f"127.0.0.1:{port}"
        finally:
            head.terminate()
            head.wait()


def _wait(head: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 120
    while "Ray runtime started" not in log.read_text():
        assert head.poll() is None, log.read_text()
        assert time.monotonic() < end
        time.sleep(0.1)
    socket.create_connection(("127.0.0.1", port)).close()


def test_without_its_token_a_cluster_refuses_in_one_line(place: Any, cluster: str) -> None:
    for more in ({}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "another" * 8}):
        done = place.run(*SEARCH, "--address", cluster, **more)
        assert done.returncode == 2, done.stderr
        line = done.stderr.splitlines()[-1]
        assert line.startswith(f"tuneyard: no Ray cluster answers at {cluster}")
        assert "RAY_AUTH_MODE=token" in line
        assert "RAY_AUTH_TOKEN" in line
    right = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
    done = place.run(*SEARCH, "--address", cluster, **right)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_where_nobody_is_it_is_said_at_once(
    place: Any, free_port: Callable[[], int], scheme: str
) -> None:
    address = f"{scheme}127.0.0.1:{free_port()}"
    uri = ("--tracking-uri", "http://127.0.0.1:9") if scheme else ()
    storage = ("--storage", str(place.path / "searches"))
    done = place.run(*SEARCH, "--address", address, *storage, *uri)
    assert done.returncode == 2, done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith(f"tuneyard: no Ray cluster answers at {address}: ")
    assert "RAY_AUTH" not in line
