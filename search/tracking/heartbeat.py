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

from tuneyard.search.storage.lock import this_driver
from tuneyard.search.tracking.client import set_tags
from tuneyard.search.tracking.tags import SearchTags
from tuneyard.search.trials.clock import Clock

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
DEAD_SECONDS = 60.0
"""A heartbeat that has not changed for so long is the last one of a driver that has died."""


def heartbeat_age(tags: SearchTags, now: float, started: float = 0.0) -> float:
    """Seconds since a search's last heartbeat, by the clocks of two machines.

    Args:
        tags: Of the search's run.
        now: Unix seconds.
        started: When its run was made, in Unix seconds: counts as its first heartbeat.
    """
    return now - max(tags.heartbeat, started)


def process_of(number: str) -> str:
    """What tells a process of this machine from all that have or had its number; empty if none."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        started = Path("/proc", number, "stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{boot}.{started}"


def driver_tags() -> SearchTags:
    """A heartbeat of this process."""
    return SearchTags(
        driver=this_driver(),
        process=process_of(str(os.getpid())),
        heartbeat=round(time.time(), 3),
    )


class Pulse:
    """Whether drivers live, as far as one process has seen: clocks of other machines may be wrong.

    What counts is when a heartbeat has last changed, by this process' own clock. Of a search that
    is seen for the first time, the age of its heartbeat is the first guess.
    """

    def __init__(self) -> None:
        # by the run of a search: its heartbeat, since when it is seen, and whether it has changed
        self._seen: dict[str, tuple[float, float, bool]] = {}

    def beats(self, run_id: str, tags: SearchTags, now: float, started: float = 0.0) -> bool:
        """Whether the driver of a search under way lives.

        Its process decides where it can be seen: on its own host.

        Args:
            run_id: The search's run.
            tags: Of the run.
            now: Unix seconds.
            started: When its run was made, in Unix seconds: counts as its first heartbeat.
        """
        here = lives_here(tags)
        if here is not None:
            return here
        clock = time.monotonic()
        heartbeat, since, changed = self._seen.get(run_id, (tags.heartbeat, clock, False))
        if tags.heartbeat != heartbeat:
            heartbeat, since, changed = tags.heartbeat, clock, True
        self._seen[run_id] = (heartbeat, since, changed)
        if clock - since >= DEAD_SECONDS:
            return False
        return changed or abs(heartbeat_age(tags, now, started)) < DEAD_SECONDS


def lives_here(tags: SearchTags) -> bool | None:
    """Whether a driver lives on this host; None where that can't be seen."""
    host, _, number = tags.driver.rpartition(":")
    if host != socket.gethostname():
        return None
    found = process_of(number)
    if not tags.process:
        # an earlier version wrote a number alone, which another process may have by now
        return None if found else False
    return found == tags.process


class Heartbeat:
    """Writes the time to the search's run as long as the context lasts.

    Its tags `heartbeat`, `wall`, `driver` and `process` are written every five seconds; an MLflow
    that does not answer is passed over.

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
            tags = driver_tags().model_copy(update={"wall": round(self._clock.total, 3)})
            try:
                set_tags(self._client, self._run_id, tags)
            except Exception as error:
                # the writer, which tries again, is the one that warns
                logger.debug("no heartbeat: %s", error)
            # one more heartbeat after the end: it holds the time that the search took
            over = self._ended.is_set()
            self._ended.wait(BEAT_SECONDS)
