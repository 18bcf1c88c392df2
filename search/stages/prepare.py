"""What a search needs before its first stage: data, storage, Ray; nothing is written yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tuneyard.datasets import Data
from tuneyard.search.errors import SearchError
from tuneyard.search.results.display import announce, displayed
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.spec.settings import Settings
from tuneyard.search.stages.code import warn_of_left_out
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.storage.trial_files import TrialFiles
from tuneyard.search.study.store import check_studies
from tuneyard.search.study.study import Study
from tuneyard.search.tune.connection import ray_connection
from tuneyard.search.tune.memory import gpu_share
from tuneyard.search.tune.resources import check_resources, check_shared
from tuneyard.spaces.registry import Code, find_code
from tuneyard.trainables.find import find_searchable
from tuneyard.trainables.searchable import Searchable


@dataclass(frozen=True)
class Prepared:
    """A search with its data loaded, on a Ray that can hold its trials.

    Attributes:
        search: What is searched.
        task: Loads the data and trains the models.
        code: The task's code, where it must travel to the workers.
        data: The task's data set.
        folds: What trials are ranked on: the data set itself, or its folds.
    """

    search: ResolvedSpec
    task: Searchable
    code: Code | None
    data: Data
    folds: tuple[Data, ...]


@contextmanager
def prepared(
    spec: SearchSpec, name: str, settings: Settings, folder: SearchFolder, *, resumed: bool
) -> Iterator[Prepared]:
    """Loads the data, sees that storage and resources are there, and connects to Ray.

    Raises:
        SearchError: The search can't be as it was asked for.
        DataError: The task's data can't be had.
    """
    announce(f"loading the data of {spec.task}")
    task = find_searchable(spec.task)
    search = ResolvedSpec.of(spec, name=name)
    data = task.load(settings.data_dir, spec.data)
    task.prepare(search.space)
    folds = _folds(task, data, search.folds)
    check_studies(folder, name, settings.studies, resumed=resumed)
    announce("starting Ray" if settings.address is None else "connecting to Ray")
    with displayed(settings.display), ray_connection(settings.address):
        if spec.gpus_per_trial == "auto":
            search = search.with_gpus(gpu_share(search, task, folds))
        check_resources(search.resources)
        check_shared(folder)
        code = find_code(spec.task)
        warn_of_left_out(code)
        yield Prepared(search, task, code, data, folds)
        announce("stopping Ray")


def _folds(task: Searchable, data: Data, folds: int) -> tuple[Data, ...]:
    """What trials are ranked on: the data itself, or its folds."""
    try:
        return task.split(data, folds)
    except ValueError as error:
        raise SearchError(f"folds={folds} does not fit {data.name}: {error}") from None


def open_study(
    search: ResolvedSpec, folder: SearchFolder, files: TrialFiles, settings: Settings
) -> Study:
    """The study of a search, new or as it was left."""
    return Study(
        search.space,
        search.task.objective,
        search.spec.sampler,
        folder,
        files,
        seed=search.spec.seed,
        name=search.name,
        studies=settings.studies,
    )
