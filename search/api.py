"""`search` and `resume`: all that can be wrong is found out before anything is written."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tuneyard.search.access import redacted
from tuneyard.search.errors import SearchError
from tuneyard.search.results.display import announce
from tuneyard.search.results.result import SearchResult
from tuneyard.search.results.state import SearchState
from tuneyard.search.spec.budget import Budget, extended
from tuneyard.search.spec.names import new_name
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.spec.settings import Settings
from tuneyard.search.stages.code import record_code, reopen_code
from tuneyard.search.stages.context import SearchContext
from tuneyard.search.stages.driver import drive
from tuneyard.search.stages.prepare import Prepared, open_study, prepared
from tuneyard.search.stages.recorded import (
    granted_spec,
    queued_search,
    record_search,
    recorded_search,
)
from tuneyard.search.stages.resumption import (
    check_data,
    check_no_driver,
    check_remaining,
    ended_trials,
    forget_end,
    is_over,
    was_stopped,
)
from tuneyard.search.stages.sync import write_lacking
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.storage.lock import DriverLock
from tuneyard.search.storage.trial_files import TrialFiles
from tuneyard.search.study.store import studies_address
from tuneyard.search.tracking.client import (
    MlflowClient,
    Run,
    check_store,
    connect,
    tracking_address,
)
from tuneyard.search.tracking.result import find_parent
from tuneyard.search.tracking.runs import (
    SearchRun,
    describe_search,
    find_children,
    find_experiment,
    find_search,
    start_search,
)
from tuneyard.search.tracking.tags import SearchTags
from tuneyard.search.trials.clock import Clock
from tuneyard.search.tune.connection import is_client, through_client
from tuneyard.spaces.registry import Carried, find_code


def search(
    spec: SearchSpec, settings: Settings | None = None, code: Carried | None = None
) -> SearchResult:
    """Runs a search to its end.

    Everything that can be wrong with the request is found out before anything is written.

    Args:
        spec: What to search.
        settings: Where; here, where it is None.
        code: A user's own code that has come to this process with the call.

    Returns:
        What it found; in state ``failed``, and without a best model, where no trial succeeded.

    Raises:
        SearchError: The search can't be as it was asked for; nothing has changed.
        DataError: The task's data can't be had; nothing has changed.
    """
    del code  # it was opened when it arrived
    settings = settings or Settings()
    name = spec.name or new_name(spec.task)
    if settings.address and is_client(settings.address):
        named = spec.model_copy(update={"name": name})
        there = _seen_from_cluster(settings)
        opened = find_code(spec.task)
        carried = Carried(opened) if opened else None
        announce(f"searching on {settings.address}")
        return through_client(settings.address, partial(search, named, there, carried))
    folder = SearchFolder(settings.storage, name)
    if folder.exists():
        raise SearchError(
            f"there is a search {name!r} in {folder.storage} already; give another --name, or go "
            f"on with it: {settings.resume_command(name)}"
        )
    check_store(settings.tracking_uri)
    with prepared(spec, name, settings, folder, resumed=False) as ready:
        announce("opening MLflow")
        client = connect(settings.tracking_uri)
        if find_search(client, name):
            raise SearchError(
                f"there is a search {name!r} in {redacted(client.tracking_uri)} already; give "
                "another --name"
            )
        find_experiment(client, spec.task)
        folder.make()
        with DriverLock(folder):
            record_code(folder, ready.code)
            record_search(folder, ready.search, ready.data)
            run = start_search(client, ready.search, ready.data, ready.code)
            return drive(_context(ready, settings, client, run, folder, 0.0))


def resume(
    name: str,
    settings: Settings | None = None,
    budget: Budget | None = None,
    *,
    accept_changes: bool = False,
) -> SearchResult:
    """Continues a search whose driver died, that was stopped, or that gets a larger budget.

    No trial that ended is run again; those that had not continue first, from their checkpoints. A
    search that still waits in the queue is started.

    Args:
        name: Of the search.
        settings: Where, as the search was started.
        budget: What it may have more.
        accept_changes: Whether a user's own code may have changed since the search was started.

    Raises:
        CodeError: A user's own code has changed, or can't be had any more; nothing has changed.
        SearchError: There is no such search, it runs, or it has nothing left to do; nothing has
            changed.
        DataError: The task's data can't be had; nothing has changed.
    """
    settings, budget = settings or Settings(), budget or Budget()
    if settings.address and is_client(settings.address):
        there = _seen_from_cluster(settings)
        again = partial(resume, name, there, budget, accept_changes=accept_changes)
        announce(f"searching on {settings.address}")
        return through_client(settings.address, again)
    announce("opening MLflow")
    check_store(settings.tracking_uri, must_exist=True)
    client = connect(settings.tracking_uri)
    folder = SearchFolder(settings.storage, name)
    # its driver may have died between its folder and its run
    parent = find_search(client, name) if folder.exists() else find_parent(client, name)
    begun, before = _begun(parent, folder)
    if parent:
        check_no_driver(client, parent, folder)
    # before the spec, which names a task that only the code defines
    task = SearchTags.decode(parent.data.tags).task if parent else name
    reopen_code(folder, task, accept_changes=accept_changes)
    recorded = queued_search(client, parent) if parent and not begun else recorded_search(folder)
    granted = granted_spec(client, parent, recorded)
    spec, over = extended(granted, budget, before), is_over(folder, parent)
    check_remaining(name, spec, ended_trials(folder, parent), before, over=over, budget=budget)
    with prepared(spec, name, settings, folder, resumed=begun) as ready:
        check_data(name, recorded, parent, ready.data)
        if not begun:
            folder.make()
        with DriverLock(folder):
            if over or spec != recorded.spec or was_stopped(folder):
                forget_end(folder)
            record_code(folder, ready.code)
            record_search(folder, ready.search, ready.data)
            run = _described(client, parent, ready)
            return drive(_context(ready, settings, client, run, folder, before))


def _described(client: MlflowClient, parent: Run | None, ready: Prepared) -> SearchRun:
    """The run of a search that goes on, which says that it runs; made where it is missing."""
    if parent is None:
        return start_search(client, ready.search, ready.data, ready.code)
    run = SearchRun.of(client, parent)
    describe_search(client, run, ready.search, ready.data, ready.code)
    return run


def sync(name: str, settings: Settings | None = None) -> SearchState:
    """Writes what MLflow lacks of a search, from the search's folder alone.

    MLflow may be another than the one that the search was recorded in. A run that it has is
    completed, not doubled. Nothing is trained, and no data is loaded.

    Args:
        name: Of the search.
        settings: Where its folder and MLflow are.

    Returns:
        The state of the search.

    Raises:
        SearchError: There is no such search, it runs, or MLflow does not answer.
        CodeError: A user's own code can't be had any more.
    """
    settings = settings or Settings()
    folder = SearchFolder(settings.storage, name)
    if not folder.exists():
        raise SearchError(
            f"there is no search {name!r} in {folder.storage}; name where its folder is with "
            "--storage"
        )
    reopen_code(folder, name, accept_changes=True)
    recorded = recorded_search(folder)
    check_store(settings.tracking_uri)
    client = connect(settings.tracking_uri)
    with DriverLock(folder):
        return write_lacking(client, folder, recorded)


def _begun(parent: Run | None, folder: SearchFolder) -> tuple[bool, float]:
    """Whether a search has a folder, which a queued one has not, and the seconds it has taken.

    Raises:
        SearchError: It has trials, and its folder is elsewhere.
    """
    if parent is None:
        return True, 0.0
    tags = SearchTags.decode(parent.data.tags)
    begun = folder.exists()
    if not begun and tags.trials.get("total"):
        raise SearchError(
            f"the folder of search {tags.search!r} is not in {folder.storage}; name where it is "
            "with --storage"
        )
    return begun, tags.wall or 0.0


def _context(
    ready: Prepared,
    settings: Settings,
    client: MlflowClient,
    run: SearchRun,
    folder: SearchFolder,
    before: float,
) -> SearchContext:
    """What the stages of a search run on, `before` seconds after it was first started."""
    spec, files = ready.search.spec, TrialFiles(folder)
    study = open_study(ready.search, folder, files, settings)
    seconds = spec.time - before if spec.time else None
    return SearchContext(
        search=ready.search,
        settings=settings,
        task=ready.task,
        code=ready.code,
        data=ready.data,
        folds=ready.folds,
        client=client,
        run=run,
        folder=folder,
        files=files,
        study=study,
        children=find_children(client, run),
        clock=Clock(spec.trials - len(study.ended_before), seconds, before),
        seconds=seconds,
    )


def _seen_from_cluster(settings: Settings) -> Settings:
    """The settings of a driver that is on the cluster while its caller is not.

    Raises:
        SearchError: They name something that the cluster can't reach.
    """
    storage, uri = str(settings.storage), tracking_address(settings.tracking_uri)
    if "://" not in storage and not Path(storage).is_absolute():
        raise SearchError(
            f"--storage must be a full path, or an object store, that the cluster at "
            f"{settings.address} reaches, got {storage!r}"
        )
    if uri.startswith(("sqlite", "file")):
        raise SearchError(
            f"MLflow must be a server that the cluster at {settings.address} reaches, got {uri}; "
            "name one with --tracking-uri or MLFLOW_TRACKING_URI"
        )
    return settings.model_copy(
        update={
            "address": None,
            "tracking_uri": uri,
            "studies": studies_address(settings.studies),
        }
    )
