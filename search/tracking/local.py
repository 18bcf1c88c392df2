"""The searches of this machine: in one MLflow store, with their folders in one storage."""

from __future__ import annotations

import time
from pathlib import Path

from tuneyard.search.access import redacted
from tuneyard.search.results.status import SearchStatus
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.tracking.client import MlflowClient, Run
from tuneyard.search.tracking.queries import MlflowSearches
from tuneyard.search.tracking.state import settled_state
from tuneyard.search.tracking.status import search_status
from tuneyard.search.tracking.tags import SearchTags


def local_searches(tracking_uri: str | None, storage: Path | str) -> list[SearchStatus]:
    """How all searches of a store stand, the newest first.

    A search whose driver has died is interrupted, which MLflow is told as well.

    Args:
        tracking_uri: MLflow's address; None means its own default.
        storage: Where the folders of the searches are.

    Raises:
        MlflowAwayError: MLflow does not answer.
    """
    searches = MlflowSearches(tracking_uri)
    runs = searches.all()
    return searches.ask(lambda client: [_status(client, run, storage) for run in runs])


def _status(client: MlflowClient, run: Run, storage: Path | str) -> SearchStatus:
    name = SearchTags.decode(run.data.tags).search
    state = settled_state(client, run, SearchFolder(storage, name))
    return search_status(run, redacted(client.tracking_uri), state, time.time())
