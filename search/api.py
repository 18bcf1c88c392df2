"""A search started or resumed: everything is checked before anything is written."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import yaml

from tuneyard.datasets import Dataset
from tuneyard.search.access import shown
from tuneyard.search.errors import SearchError
from tuneyard.search.results.result import SearchResult
from tuneyard.search.results.status import Budget
from tuneyard.search.spec.search import SearchSpec, Settings, parse_spec
from tuneyard.search.stages.driver import Driver
from tuneyard.search.storage.folder import SPEC, SearchFolder
from tuneyard.search.study.store import check_studies, studies_address
from tuneyard.search.study.study import Study
from tuneyard.search.tracking.client import Run, check_store, connect, tracking_address
from tuneyard.search.tracking.heartbeat import DEAD_SECONDS, WALL, heard_of
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
from tuneyard.search.tune.connection import is_client, ray_connection, through_client
from tuneyard.search.tune.memory import gpu_share
from tuneyard.search.tune.resources import Resources, check_resources, check_shared
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.trainables.task import Task, find_task


def search(spec: SearchSpec, settings: Settings | None = None) -> SearchResult:
    """Runs a search to its end.

    Everything that can be wrong with the request is found out before anything is written.

    Args:
        spec: What to search.
        settings: Where; here, where it is None.

    Returns:
        What it found; in state ``failed``, and without a best model, where no trial succeeded.

    Raises:
        SearchError: The search can't be as it was asked for; nothing has changed.
        DataError: The task's data can't be had; nothing has changed.
    """
    settings = settings or Settings()
    spec = spec.model_copy(update={"name": spec.name or new_name(spec.task)})
    if settings.address and is_client(settings.address):
        return through_client(settings.address, partial(search, spec, _seen_there(settings)))
    folder = SearchFolder(settings.storage, str(spec.name))
    if folder.exists():
        raise SearchError(
            f"there is a search {spec.name!r} in {folder.storage} already; give another --name"
        )
    check_store(settings.tracking_uri)
    with _ready(spec, settings, folder, resumed=False) as (spec, task, data, folds):
        client = connect(settings.tracking_uri)
        if find_search(client, str(spec.name)):
            raise SearchError(
                f"there is a search {spec.name!r} in {shown(client.tracking_uri)} already; give "
                "another --name"
            )
        find_experiment(client, spec.task)
        folder.make()
        study = _study(spec, task, folder, settings, resumed=False)
        folder.write(SPEC, spec.to_yaml())
        run = start_search(client, spec, task.objective, data)
        return Driver(
            spec, settings, task, data, folds, client, run, folder, study, {}, 0.0
        ).drive()


def resume(
    name: str, settings: Settings | None = None, budget: Budget | None = None
) -> SearchResult:
    """Goes on with a search whose driver died, that was stopped, or that gets a larger budget.

    No trial that ended is run again; those that had not go on first, from their checkpoints. A
    search that still waits in the queue is started.

    Args:
        name: Of the search.
        settings: Where, as the search was started.
        budget: What it may have more.

    Raises:
        SearchError: There is no such search, it runs, or it has nothing left to do; nothing has
            changed.
        DataError: The task's data can't be had; nothing has changed.
    """
    settings, budget = settings or Settings(), budget or Budget()
    if settings.address and is_client(settings.address):
        there = _seen_there(settings)
        return through_client(settings.address, partial(resume, name, there, budget))
    check_store(settings.tracking_uri, must_exist=True)
    client = connect(settings.tracking_uri)
    parent = find_parent(client, name)
    _check_driverless(parent)
    folder = SearchFolder(settings.storage, name)
    begun = folder.exists()
    if not begun and "tuneyard.trials" in parent.data.tags:
        raise SearchError(
            f"the folder of search {name!r} is not in {folder.storage}; name where it is with "
            "--storage"
        )
    before = float(parent.data.tags.get(WALL, 0.0))
    text = folder.read(SPEC) if begun else queued_spec(client, parent)
    spec = _extended(parse_spec(yaml.safe_load(text)), budget, before)
    with _ready(spec, settings, folder, resumed=begun) as (spec, task, data, folds):
        # again: loading the data and reaching Ray took a while
        _check_driverless(client.get_run(parent.info.run_id))
        _check_data(parent, data)
        if not begun:
            folder.make()
        study = _study(spec, task, folder, settings, resumed=begun)
        _check_left(spec, study, before)
        folder.write(SPEC, spec.to_yaml())
        run = SearchRun.of(client, parent)
        describe_search(client, run, spec, task.objective, data)
        children = find_children(client, run)
        return Driver(
            spec, settings, task, data, folds, client, run, folder, study, children, before
        ).drive()


def _seen_there(settings: Settings) -> Settings:
    """The settings of a driver that is on the cluster while its caller is not."""
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


def new_name(task: str) -> str:
    """A name for a search that was given none."""
    # two searches may start within one second
    return f"{task}-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


@contextmanager
def _ready(
    spec: SearchSpec, settings: Settings, folder: SearchFolder, *, resumed: bool
) -> Iterator[tuple[SearchSpec, Task[TrainingSpace], Dataset, tuple[Dataset, ...]]]:
    """Data loaded, storage and resources there, Ray connected; the spec without open questions."""
    task = find_task(spec.task)
    spec = spec.model_copy(update={"folds": spec.folds or task.description.folds})
    data = task.load(settings.data_dir, spec.data)
    task.prepare(spec.narrowed())
    folds = _folds(data, spec.folds or 1)
    check_studies(folder, str(spec.name), settings.studies, resumed=resumed)
    with ray_connection(settings.address):
        if spec.gpus_per_trial == "auto":
            share = gpu_share(spec, task, folds)
            spec = spec.model_copy(update={"gpus_per_trial": share})
        check_resources(Resources.of(spec))
        check_shared(folder)
        yield spec, task, data, folds


def _folds(data: Dataset, folds: int) -> tuple[Dataset, ...]:
    """What trials are ranked on: the data set itself, or its folds."""
    if folds == 1:
        return (data,)
    try:
        return tuple(data.fold(index, folds) for index in range(folds))
    except ValueError as error:
        raise SearchError(f"folds={folds} does not fit {data.name}: {error}") from None


def _study(
    spec: SearchSpec,
    task: Task[TrainingSpace],
    folder: SearchFolder,
    settings: Settings,
    *,
    resumed: bool,
) -> Study:
    return Study(
        spec.narrowed(),
        task.objective,
        spec.sampler,
        folder,
        seed=spec.seed,
        name=str(spec.name),
        studies=settings.studies,
        resumed=resumed,
    )


def _check_driverless(parent: Run) -> None:
    tags = parent.data.tags
    silence = heard_of(tags)
    if tags.get("tuneyard.state") == "running" and silence is not None:
        raise SearchError(
            f"search {tags['tuneyard.search']!r} runs: its driver was heard of {silence:.0f} s "
            f"ago; stop it first, or wait until {DEAD_SECONDS:.0f} s have passed"
        )


def _check_data(parent: Run, data: Dataset) -> None:
    known = parent.data.tags.get("tuneyard.data", data.fingerprint)
    if known != data.fingerprint:
        raise SearchError(
            f"the data of search {parent.data.tags['tuneyard.search']!r} has changed since it was "
            f"started (sha256 {known[:12]}, now {data.fingerprint[:12]}); start a new search"
        )


def _extended(spec: SearchSpec, budget: Budget, before: float) -> SearchSpec:
    """The spec with a larger budget; times count from now on."""
    changes: dict[str, object] = {}
    if budget.trials is not None:
        more = budget.trials.startswith("+")
        changes["trials"] = int(budget.trials) + (spec.trials if more else 0)
    if budget.time is not None:
        changes["time"] = before + budget.time
    if budget.target is not None:
        changes["target"] = budget.target
    return parse_spec(spec.model_dump() | changes)


def _check_left(spec: SearchSpec, study: Study, before: float) -> None:
    ended = len(study.ended_before)
    if ended >= spec.trials:
        raise SearchError(
            f"search {spec.name!r} has run its {ended} trials; give it more with --trials +100"
        )
    if spec.time is not None and before >= spec.time:
        raise SearchError(
            f"search {spec.name!r} has used its {spec.time:.0f} s; give it more with --time 20m"
        )
