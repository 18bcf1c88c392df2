"""The heartbeat of a search's driver in MLflow, and whether there is still a driver."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from mlflow import MlflowClient

from tuneyard.search.tracking.client import set_tags
from tuneyard.search.tracking.tags import SearchTags
from tuneyard.search.trials.clock import Clock

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
DEAD_SECONDS = 60.0
"""A heartbeat of this age is the last one of a driver that has died."""


def heartbeat_age(tags: SearchTags, now: float, started: float = 0.0) -> float:
    """Seconds since a search's last heartbeat.

    Args:
        tags: Of the search's run.
        now: Unix seconds.
        started: When its run was made, in Unix seconds: counts as its first heartbeat.
    """
    return now - max(tags.heartbeat, started)


def has_driver(tags: SearchTags, now: float, started: float = 0.0) -> bool:
    """Whether the driver of a search under way lives.

    Its heartbeat must be younger than `DEAD_SECONDS`, and its process must be there, where that
    can be seen: on its own host.

    Args:
        tags: Of the search's run.
        now: Unix seconds.
        started: When its run was made, in Unix seconds: counts as its first heartbeat.
    """
    host, _, process = tags.driver.rpartition(":")
    died_here = host == socket.gethostname() and not Path("/proc", process).exists()
    return not died_here and heartbeat_age(tags, now, started) < DEAD_SECONDS


class Heartbeat:
    """Writes the time to the search's run as long as the context lasts.

    Its tags `heartbeat`, `wall` and `driver` are written every five seconds; an MLflow that does
    not answer is passed over.

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
                set_tags(self._client, self._run_id, self._tags())
            except Exception as error:
                # the writer, which tries again, is the one that warns
                logger.debug("no heartbeat: %s", error)
            # one more heartbeat after the end: it holds the time that the search took
            over = self._ended.is_set()
            self._ended.wait(BEAT_SECONDS)

    def _tags(self) -> SearchTags:
        return SearchTags(
            driver=f"{socket.gethostname()}:{os.getpid()}",
            heartbeat=round(time.time(), 3),
            wall=round(self._clock.total, 3),
        )
