"""`search` and `resume`: all that can be wrong is found out before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tuneyard.search.access import redacted
from tuneyard.search.errors import SearchError
from tuneyard.search.results.result import SearchResult
from tuneyard.search.spec.budget import Budget
from tuneyard.search.spec.names import new_name
from tuneyard.search.spec.recorded import read_recorded_spec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.spec.settings import Settings
from tuneyard.search.stages.code import record_code, reopen_code
from tuneyard.search.stages.context import SearchContext
from tuneyard.search.stages.driver import drive
from tuneyard.search.stages.prepare import Prepared, open_study, prepared
from tuneyard.search.stages.resumption import (
    check_data,
    check_no_driver,
    check_remaining,
    extended,
)
from tuneyard.search.storage.folder import SPEC, SearchFolder
from tuneyard.search.study.store import studies_address
from tuneyard.search.study.study import Study
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
    queued_spec,
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
        return through_client(settings.address, partial(search, named, there, carried))
    folder = SearchFolder(settings.storage, name)
    if folder.exists():
        raise SearchError(
            f"there is a search {name!r} in {folder.storage} already; give another --name"
        )
    check_store(settings.tracking_uri)
    with prepared(spec, name, settings, folder, resumed=False) as ready:
        client = connect(settings.tracking_uri)
        if find_search(client, name):
            raise SearchError(
                f"there is a search {name!r} in {redacted(client.tracking_uri)} already; give "
                "another --name"
            )
        find_experiment(client, spec.task)
        folder.make()
        study = open_study(ready.search, folder, settings, resumed=False)
        recorded = ready.search.recorded()
        folder.write(SPEC, recorded.to_yaml())
        record_code(folder, ready.code)
        run = start_search(client, ready.search, ready.data, ready.code)
        return drive(_context(ready, settings, client, run, folder, study, {}, 0.0))


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
        return through_client(settings.address, again)
    check_store(settings.tracking_uri, must_exist=True)
    client = connect(settings.tracking_uri)
    parent = find_parent(client, name)
    check_no_driver(parent)
    folder = SearchFolder(settings.storage, name)
    begun, before = _begun(parent, folder)
    text = folder.read(SPEC) if begun else queued_spec(client, parent)
    reopen_code(folder, SearchTags.decode(parent.data.tags).task, accept_changes=accept_changes)
    spec = extended(read_recorded_spec(text), budget, before)
    with prepared(spec, name, settings, folder, resumed=begun) as ready:
        # again: loading the data and reaching Ray took a while
        check_no_driver(client.get_run(parent.info.run_id))
        check_data(parent, ready.data)
        if not begun:
            folder.make()
        study = open_study(ready.search, folder, settings, resumed=begun)
        check_remaining(ready.search, study, before)
        folder.write(SPEC, ready.search.recorded().to_yaml())
        record_code(folder, ready.code)
        run = SearchRun.of(client, parent)
        describe_search(client, run, ready.search, ready.data, ready.code)
        children = find_children(client, run)
        return drive(_context(ready, settings, client, run, folder, study, children, before))


def _begun(parent: Run, folder: SearchFolder) -> tuple[bool, float]:
    """Whether a search has a folder, which a queued one has not, and the seconds it has taken.

    Raises:
        SearchError: It has trials, and its folder is elsewhere.
    """
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
    study: Study,
    children: Mapping[int, Run],
    before: float,
) -> SearchContext:
    """What the stages of a search run on, `before` seconds after it was first started."""
    spec = ready.search.spec
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
        study=study,
        children=children,
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
