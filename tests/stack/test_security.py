"""Who may reach the stack: nobody without a token, nobody from elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("token", [None, "wrong"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/searches"),
        ("POST", "/searches"),
        ("GET", "/tasks"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
    ],
)
def test_the_service_refuses(stack: Any, method: str, path: str, token: str | None) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.request(method, stack.url("API") + path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", [None, "wrong"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/jobs/"),
        ("POST", "/api/jobs/"),
        ("GET", "/api/v0/nodes"),
        ("GET", "/api/cluster_status"),
        ("GET", "/nodes?view=summary"),
    ],
)
def test_ray_refuses(stack: Any, method: str, path: str, token: str | None) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = {"entrypoint": "touch /searches/stolen"} if method == "POST" else None
    answer = httpx.request(method, stack.url("RAY") + path, headers=headers, json=body)
    # Ray says 401 without a token and 403 with a wrong one
    assert answer.status_code == (403 if token else 401)


def test_postgres_refuses(stack: Any) -> None:
    program = """
import psycopg
for password in ("", "password=wrong"):
    for user in ("postgres", "mlflow", "optuna"):
        try:
            psycopg.connect(f"host=postgres dbname=optuna user={user} {password}")
            print("open to", user)
        except psycopg.OperationalError as error:
            assert "password" in str(error), error
"""
    assert stack.compose("exec", "-T", "mlflow", "python", "-c", program) == ""


def test_nothing_listens_beyond_loopback(stack: Any) -> None:
    listening = subprocess.run(
        ["ss", "--listening", "--tcp", "--udp", "--numeric", "--processes", "--no-header"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    places = [line.split()[4] for line in listening if "docker-proxy" in line]
    assert {place.rpartition(":")[0] for place in places} == {"127.0.0.1"}
    assert {place.rpartition(":")[2] for place in places} >= {
        str(port) for port in stack.ports.values()
    }


def test_it_does_not_start_without_secrets(stack: Any) -> None:
    for name in ("RAY_AUTH_TOKEN", "TUNEYARD_TOKENS", "POSTGRES_PASSWORD"):
        environment = {key: value for key, value in stack.environment.items() if key != name}
        done = subprocess.run(
            ["docker", "compose", "--env-file", "/dev/null", "up", "--detach"],
            cwd=stack.ROOT,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert name in done.stderr
        assert "make secrets" in done.stderr


def test_the_openapi_document_is_fuzzed_without_a_5xx(stack: Any, tmp_path: Path) -> None:
    """The last of all tests: what is fuzzed may well be a search that runs."""
    fuzz = [
        *("run", stack.url("API") + "/openapi.json"),
        *("--header", f"Authorization: Bearer {stack.token}"),
        *("--checks", "not_a_server_error,status_code_conformance,content_type_conformance"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "10"),
        # the streams of a search that runs do not end
        *("--exclude-path-regex", "/(events|logs)$"),
        *("--generation-deterministic", "--request-timeout", "60", "--no-color"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *fuzz],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
