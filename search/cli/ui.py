"""The command `tuneyard ui`."""

from __future__ import annotations

import os
import socket
import sys
import sysconfig
from typing import Annotated

import typer

from tuneyard.search.cli.options import TrackingUri
from tuneyard.search.errors import SearchError

HOST = "127.0.0.1"


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
    tracking_uri: TrackingUri = None,
) -> None:
    """Opens the MLflow UI of the local store on 127.0.0.1."""
    from tuneyard.search.access import redacted
    from tuneyard.search.tracking.client import check_store, tracking_address

    uri = tracking_address(tracking_uri)
    if uri.startswith("http"):
        typer.echo(f"MLflow has its UI at {redacted(uri)}")
        return
    check_store(uri, must_exist=True)
    _check_port(port)
    typer.echo(f"MLflow's UI of {redacted(uri)}: http://{HOST}:{port} (end it with Ctrl+C)")
    # not as an argument, which everybody on the machine may read: it may hold a password
    os.environ["MLFLOW_BACKEND_STORE_URI"] = uri
    # of its four workers and its job queue one person needs one worker
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    # nothing is imported from the current folder: not by Python, and not by the server
    os.environ["PYTHONSAFEPATH"] = "1"
    os.environ["UVICORN_APP_DIR"] = sysconfig.get_path("purelib")
    arguments = ["-m", "mlflow", "ui", "--workers", "1"]
    os.execv(sys.executable, [sys.executable, *arguments, "--host", HOST, "--port", str(port)])


def _check_port(port: int) -> None:
    """Finds out what MLflow would say in many lines, and exit with 0.

    Raises:
        SearchError: The port is taken, or needs more rights.
    """
    with socket.socket() as one:
        # as servers do: a port that one has just left is free
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
        except OSError as error:
            raise SearchError(
                f"--port must be free, and one that you may open, got {port}: {error.strerror}; "
                "name another one"
            ) from None
