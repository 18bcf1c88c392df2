"""The command `tuneyard serve`."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond this machine it takes tokens.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8080,
) -> None:
    """Serves searches over HTTP: TUNEYARD_TOKENS, MLFLOW_TRACKING_URI, RAY_API_SERVER_ADDRESS."""
    from tuneyard.search.service import server as service_server

    service_server.serve(host, port)
