"""The command `tuneyard ui`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from tuneyard.search.cli.options import TrackingUri


def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5000,
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
    typer.echo(f"MLflow's UI of {redacted(uri)}: http://127.0.0.1:{port} (end it with Ctrl+C)")
    # not as an argument, which everybody on the machine may read: it may hold a password
    os.environ["MLFLOW_BACKEND_STORE_URI"] = uri
    # of its four workers and its job queue one person needs one worker
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    arguments = ["-m", "mlflow", "ui", "--workers", "1"]
    os.execv(
        sys.executable, [sys.executable, *arguments, "--host", "127.0.0.1", "--port", str(port)]
    )
