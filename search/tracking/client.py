"""The connection to MLflow, checked before a search changes anything."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run, RunTag
from mlflow.exceptions import MlflowException

from tuneyard.search.access import redacted
from tuneyard.search.errors import SearchError, first_line
from tuneyard.search.tracking.tags import Tags

__all__ = [
    "MlflowClient",
    "MlflowException",
    "Run",
    "check_store",
    "connect",
    "set_tags",
    "tracking_address",
    "without_repeats",
]

logger = logging.getLogger(__name__)

REPEATS = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"

_ENVIRONMENT = {
    # the search's own writer tries again; a request that hangs must not hang it
    REPEATS: "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    # stdout is the command's; without these, MLflow prints the address of each run and bars
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def check_store(tracking_uri: str | None, *, must_exist: bool = False) -> None:
    """Checks that MLflow answers, and makes nothing, where `connect` makes a local store.

    Args:
        tracking_uri: Its address; None means MLflow's own default.
        must_exist: Refuse a local store that is not there, though it could be made.

    Raises:
        SearchError: The server does not answer, or a local store can't be written.
    """
    uri = tracking_address(tracking_uri)
    parts = urlsplit(uri)
    if parts.scheme != "sqlite":
        connect(uri)
        return
    store = Path(parts.path.removeprefix("/"))
    if must_exist and not store.exists():
        raise SearchError(
            f"there is no MLflow store at {uri}; run a search first, or name another store "
            "with --tracking-uri"
        )
    _check_folder(uri, store.parent)


def connect(tracking_uri: str | None) -> MlflowClient:
    """A client of the tracking server, or of a local store, which is made if it is missing.

    Args:
        tracking_uri: Its address; None means MLflow's own default.

    Raises:
        SearchError: The server does not answer.
    """
    uri = tracking_address(tracking_uri)
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    try:
        client = MlflowClient(uri)
        client.search_experiments(max_results=1)
    except Exception as error:  # a database's driver raises its own kinds
        # the address of a database holds a password
        reason = first_line(error).replace(uri, redacted(uri))
        raise SearchError(
            f"MLflow does not answer at {redacted(uri)}: {reason}; start it there, or name another "
            "address with --tracking-uri or MLFLOW_TRACKING_URI"
        ) from None
    return client


def tracking_address(tracking_uri: str | None) -> str:
    """The address in full: the one given, or MLflow's own default."""
    return tracking_uri or mlflow.get_tracking_uri()


@contextmanager
def without_repeats() -> Iterator[None]:
    """Keeps MLflow's client from asking again: what makes something would make it twice."""
    before = os.environ.get(REPEATS)
    os.environ[REPEATS] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[REPEATS]
        else:
            os.environ[REPEATS] = before


def set_tags(client: MlflowClient, run_id: str, tags: Tags) -> None:
    """Writes tags of a run, all at once."""
    entities = [RunTag(name, value) for name, value in tags.encode().items()]
    client.log_batch(run_id, tags=entities)


def _check_folder(uri: str, folder: Path) -> None:
    """SQLite makes the file, not its folder."""
    if not folder.is_dir():
        raise SearchError(
            f"the folder of the MLflow store {uri} does not exist: {folder}; make it, or name "
            "another store with --tracking-uri"
        )
    if not os.access(folder, os.W_OK):
        raise SearchError(
            f"the folder of the MLflow store {uri} can't be written: {folder}; name another store "
            "with --tracking-uri"
        )


@contextmanager
def mlflow_may_be_away(search: str) -> Iterator[None]:
    """What a search found stands without MLflow: that MLflow does not answer is only logged."""
    try:
        yield
    except (MlflowException, OSError) as error:
        logger.warning(
            "MLflow did not take all of the result (%s); write the rest with: tuneyard sync %s",
            first_line(error),
            search,
        )
