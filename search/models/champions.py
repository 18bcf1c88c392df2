"""The champions: the best registered model of each task, and the search that it comes from."""

from __future__ import annotations

from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from tuneyard.search.access import redacted
from tuneyard.search.errors import SearchError
from tuneyard.search.results.result import SearchResult
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.tracking.result import find_parent, read_result
from tuneyard.search.tracking.state import settled_state
from tuneyard.search.tracking.tags import SearchTags, VersionTags
from tuneyard.spaces.registry import descriptions

CHAMPION = "champion"
"""The alias of the version that is champion."""


def model_name(task: str) -> str:
    """The registered model of a task."""
    return f"tuneyard-{task}"


def find_champion(client: MlflowClient, task: str) -> ModelVersion | None:
    """The task's champion; None where there is none yet."""
    try:
        return client.get_model_version_by_alias(model_name(task), CHAMPION)
    except MlflowException as error:
        # there is no such model or no such alias; any other error is not that
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def find_result(client: MlflowClient, name: str, storage: Path | str | None = None) -> SearchResult:
    """The result of a search by its name, or of the search that a task's champion comes from.

    A search whose driver has died is interrupted, which MLflow is told as well.

    Args:
        client: Of the tracking server.
        name: Of a search, or of a task.
        storage: Where the folders of searches are, which says most reliably whether one runs.

    Raises:
        SearchError: There is no such search, it has not started, or the task has no champion yet.
    """
    is_task = name in descriptions() or find_champion(client, name) is not None
    search = _search_of_champion(client, name) if is_task else name
    parent = find_parent(client, search)
    if not SearchTags.decode(parent.data.tags).begun:
        raise SearchError(f"search {search!r} has not started yet: it waits in the queue")
    folder = SearchFolder(storage, search) if storage else None
    return read_result(client, parent, settled_state(client, parent, folder))


def _search_of_champion(client: MlflowClient, task: str) -> str:
    champion = find_champion(client, task)
    if champion is None:
        raise SearchError(
            f"task {task!r} has no champion in {redacted(client.tracking_uri)} yet; "
            f"run: tuneyard search {task}"
        )
    search = VersionTags.decode(champion.tags).search
    if search is None:
        raise SearchError(
            f"the champion of task {task!r}, {champion.name} version {champion.version}, comes "
            "from no search; name a search"
        )
    return search
