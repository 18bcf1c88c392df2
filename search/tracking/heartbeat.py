"""A search's sign of life in MLflow."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from mlflow import MlflowClient

from tuneyard.search.trials.clock import Clock

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
DEAD_SECONDS = 60.0
"""A search that was not heard of for so long has lost its driver."""

HEARTBEAT = "tuneyard.heartbeat"
DRIVER = "tuneyard.driver"
WALL = "tuneyard.wall"


def heard_of(tags: Mapping[str, str]) -> float | None:
    """Seconds since a search's driver gave a sign of life; None where it has died.

    Args:
        tags: Of the search's run.
    """
    silence = time.time() - float(tags.get(HEARTBEAT, 0.0))
    host, _, process = tags.get(DRIVER, "").rpartition(":")
    died_here = host == socket.gethostname() and not Path("/proc", process).exists()
    return None if died_here or silence >= DEAD_SECONDS else silence


class Heartbeat:
    """Writes the time to the search's run as long as the context lasts.

    Tags ``tuneyard.heartbeat`` (Unix seconds), ``tuneyard.wall`` (seconds that the search has run)
    and ``tuneyard.driver`` (host and process), every five seconds; an MLflow that is away is passed
    over.

    Args:
        client: Of the tracking server.
        run_id: The search's run.
        clock: The search's clock.
    """

    def __init__(self, client: MlflowClient, run_id: str, clock: Clock) -> None:
        self._client = client
        self._run_id = run_id
        self._clock = clock
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        over = False
        while not over:
            try:
                self._client.set_tag(self._run_id, DRIVER, f"{socket.gethostname()}:{os.getpid()}")
                self._client.set_tag(self._run_id, HEARTBEAT, round(time.time(), 3))
                self._client.set_tag(self._run_id, WALL, round(self._clock.total, 3))
            except Exception as error:
                # what matters is said by the writer, which keeps what it could not write
                logger.debug("no heartbeat: %s", error)
            # the last beat, after the end, leaves the full time
            over = self._ended.is_set()
            self._ended.wait(BEAT_SECONDS)
