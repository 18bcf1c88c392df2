"""The state of a search, decided here for every view: from heartbeat, process, jobs and folder."""

from __future__ import annotations

import time
from collections.abc import Collection

from mlflow import MlflowClient
from mlflow.entities import Run

from tuneyard.search.results.state import ENDED, SearchState
from tuneyard.search.storage.folder import RESULT, SearchFolder
from tuneyard.search.storage.lock import is_locked
from tuneyard.search.tracking.heartbeat import BEAT_SECONDS, Pulse, heartbeat_age, lives_here
from tuneyard.search.tracking.runs import SearchRun, close_trials, end_search
from tuneyard.search.tracking.tags import SearchTags

QUEUE_SECONDS = 15.0
"""How long a search may be in the queue before there is a job for it."""

WATCH_SECONDS = 2.2 * BEAT_SECONDS
"""A heartbeat that comes is seen within this time."""


def needs_job(run: Run, pulse: Pulse, now: float) -> bool:
    """Whether its state depends on there being a job: it is queued, or its driver has died."""
    tags = SearchTags.decode(run.data.tags)
    return tags.state == "queued" or (tags.state == "running" and not _beats(run, tags, pulse, now))


def shown_state(run: Run, pulse: Pulse, live: Collection[str] | None, now: float) -> SearchState:
    """The state of a search: that of its tag, or interrupted where no driver or job is left.

    Args:
        run: The search's run.
        pulse: What was seen of heartbeats.
        live: Searches for which a job waits or runs; None where that is not known.
        now: Unix seconds.
    """
    tags = SearchTags.decode(run.data.tags)
    has_job = live is not None and tags.search in live
    if tags.state == "running" and not has_job and not _beats(run, tags, pulse, now):
        return "interrupted"
    if tags.state == "queued" and live is not None and not has_job:
        # the service writes a heartbeat when it puts a search into the queue again
        waits = heartbeat_age(tags, now, _started(run))
        return "interrupted" if waits > QUEUE_SECONDS else "queued"
    return tags.state


def found_state(client: MlflowClient, run: Run, folder: SearchFolder | None) -> SearchState:
    """The state of a search as one command finds it, which looks once.

    The lock in the search's folder decides, where that is in reach: it depends on no clock. Of a
    driver elsewhere whose last heartbeat looks old, the next one is waited for.

    Args:
        client: Of the tracking server.
        run: The search's run, as it is now.
        folder: Of the search; None where it is not known.
    """
    if folder is not None and folder.exists():
        locked = is_locked(folder)
        if locked:
            return "running"
        if SearchTags.decode(run.data.tags).state == "running" and (ended := folder_state(folder)):
            return ended
    pulse = Pulse()
    state = shown_state(run, pulse, None, time.time())
    until = time.monotonic() + WATCH_SECONDS
    while state == "interrupted" and _elsewhere(run) and time.monotonic() < until:
        time.sleep(BEAT_SECONDS / 5)
        state = shown_state(client.get_run(run.info.run_id), pulse, None, time.time())
    return state


def settled_state(client: MlflowClient, run: Run, folder: SearchFolder | None) -> SearchState:
    """See `found_state`; of a driver that has died, MLflow is told as well."""
    state = found_state(client, run, folder)
    if state == "interrupted" and SearchTags.decode(run.data.tags).state == "running":
        settle(client, run)
    return state


def folder_state(folder: SearchFolder) -> SearchState | None:
    """The end of a search whose last stage is done, by its folder; None where it is not."""
    state = folder.known(RESULT).get("state")
    return state if state in ENDED else None


def settle(client: MlflowClient, run: Run) -> None:
    """Says in MLflow, too, that a search has lost its driver: of its run and of its trials'."""
    place = SearchRun.of(client, run)
    close_trials(client, place)
    end_search(client, place.run_id, "interrupted")


def _beats(run: Run, tags: SearchTags, pulse: Pulse, now: float) -> bool:
    return pulse.beats(run.info.run_id, tags, now, _started(run))


def _elsewhere(run: Run) -> bool:
    """Whether a driver is said to be where its process can't be seen."""
    tags = SearchTags.decode(run.data.tags)
    return tags.state == "running" and bool(tags.driver) and lives_here(tags) is None


def _started(run: Run) -> float:
    milliseconds: int = run.info.start_time
    return milliseconds / 1000
