"""The service's process: one event loop on one socket."""

from __future__ import annotations

import logging
import os
import socket

import uvicorn
from fastapi import FastAPI

from tuneyard.search.access import is_loopback
from tuneyard.search.errors import SearchError
from tuneyard.search.service.app import create_app
from tuneyard.search.service.settings import TOKENS, TOKENS_FILE, ServiceSettings, read_settings

IDLE_SECONDS = 75
"""How long a connection is kept on which nothing is asked."""

GRACE_SECONDS = 3
"""What requests under way get when the service ends; streams of events would continue for ever."""

logger = logging.getLogger(__name__)


def serve(host: str, port: int) -> None:
    """Serves until a signal ends it; the settings are those of the environment.

    Args:
        host: Address to listen on.
        port: Port; 0 takes a free one.

    Raises:
        SearchError: A setting is wrong, the address is beyond this machine and there is no token,
            or it can't be listened on.
    """
    settings = read_settings(os.environ)
    check_reach(host, settings)
    listening = listen(host, port)
    # a request to an MLflow that hangs takes a thread
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    address, port = listening.getsockname()[:2]
    where = f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
    access = f"{len(settings.tokens)} tokens" if settings.tokens else "open to this machine"
    run(create_app(settings), listening, f"tuneyard serves on {where} ({access})")


def check_reach(host: str, settings: ServiceSettings) -> None:
    """Refuses to listen for others than this machine without a token.

    Raises:
        SearchError: It would.
    """
    if not settings.tokens and not is_loopback(host):
        raise SearchError(
            f"--host must be a loopback address without tokens, got {host}; set {TOKENS} to "
            f"name:token or {TOKENS_FILE} to a file of them"
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        SearchError: It can't be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # with its protocol named, asyncio sends answers at once; without, each takes 40 ms
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(2048)
        return listening
    except OSError as error:
        raise SearchError(
            f"can't listen on {host} port {port}: {error.strerror}; name others with --host and "
            "--port"
        ) from None


def run(app: FastAPI, listening: socket.socket, greeting: str) -> None:
    """Serves an application on a socket until a signal ends it."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        # who asks every few seconds keeps the connection
        timeout_keep_alive=IDLE_SECONDS,
    )
    logger.info(greeting)
    uvicorn.Server(config).run(sockets=[listening])
