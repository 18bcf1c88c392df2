"""A search's trials as one experiment of Ray Tune."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import ray
from ray import tune

from tuneyard.datasets import Data
from tuneyard.search.errors import first_line
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.spec.schedulers import SchedulerSetting
from tuneyard.search.storage.folder import CHECKPOINTS, SearchFolder
from tuneyard.search.study.study import Study
from tuneyard.search.tune.assignments import Assignments, folder_name, population_config
from tuneyard.search.tune.connection import ENVIRONMENT
from tuneyard.search.tune.events import TrialEvents
from tuneyard.search.tune.latest import LatestCheckpoint
from tuneyard.search.tune.reporter import SilentReporter
from tuneyard.search.tune.resources import Capacity
from tuneyard.search.tune.searcher import StudySearcher
from tuneyard.search.tune.signals import stop_on_signals
from tuneyard.search.tune.stopper import SearchStopper
from tuneyard.search.tune.watch import RayLostError
from tuneyard.spaces.registry import Carried, Code
from tuneyard.trainables.worker.setup import TrialSetup
from tuneyard.trainables.worker.trainable import TrialTrainable

WORKER_LOSSES = 2
"""How often a trial continues from its checkpoint after its worker was lost."""


def run_trials(
    search: ResolvedSpec,
    code: Code | None,
    folds: tuple[Data, ...],
    study: Study,
    events: TrialEvents,
    stopper: SearchStopper,
    folder: SearchFolder,
    *,
    seconds: float | None,
) -> None:
    """Runs a search's trials; when it returns, each has ended and the listeners have heard of it.

    Args:
        search: What is searched.
        code: The task's code, where it must travel to the workers.
        folds: The data, or its folds.
        study: Proposes the configs.
        events: Hears what happens.
        stopper: Ends the search; SIGINT and SIGTERM make it do so.
        folder: Where Tune keeps checkpoints, one folder per trial.
        seconds: Wall-clock budget; None without one.
    """
    os.environ.update(ENVIRONMENT)
    spec, resources = search.spec, search.resources
    deadline = time.time() + seconds if seconds else None
    setup = TrialSetup(
        code=Carried(code) if code else None,
        task=search.task.name,
        folds=folds,
        seed=spec.seed,
        cpus=resources.cpus,
        gpus=resources.gpus,
        milestones=spec.scheduler.milestones(search.planned_epochs),
        target=spec.target,
        deadline=deadline,
        timeout=spec.trial_timeout,
    )
    left = spec.trials - len(study.ended_before)
    # a population copies from older checkpoints of others
    population = spec.scheduler.population
    waiting = spec.scheduler.needs_all_trials
    assignments = Assignments(study, folder)
    capacity = Capacity(resources, left if waiting else spec.max_concurrent_trials)
    scheduler = spec.scheduler.build(
        SchedulerSetting(
            search.task.objective.mode,
            search.space,
            search.planned_epochs,
            spec.seed,
            study.curves(),
        )
    )
    with stop_on_signals(stopper), _quiet_tune(), _one_error(events):
        # not `Tuner`, which copies and pickles its plug-ins for a restore that is not used
        tune.run(
            tune.with_parameters(TrialTrainable, shared=setup),
            name=CHECKPOINTS,
            storage_path=folder.path,
            storage_filesystem=None if folder.is_local else folder.filesystem,
            config=population_config(assignments, left) if population else None,
            num_samples=1 if population else left,
            search_alg=None if population else StudySearcher(assignments, capacity, deadline),
            scheduler=scheduler,
            resources_per_trial=tune.PlacementGroupFactory([resources.bundle]),
            max_concurrent_trials=left,
            reuse_actors=True,
            max_failures=WORKER_LOSSES,
            raise_on_failed_trial=False,
            trial_dirname_creator=folder_name,
            callbacks=[events] if population else [events, LatestCheckpoint(folder)],
            progress_reporter=SilentReporter(),
            stop=stopper,
            verbose=0,
        )
    events.close(stopper.reason or "time")


@contextmanager
def _one_error(events: TrialEvents) -> Iterator[None]:
    """Raises what a listener has raised, of which Tune makes a text; says that Ray was lost."""
    try:
        yield
    except ray.exceptions.RayError as error:
        reason = first_line(error) or type(error).__name__
        raise RayLostError(f"Ray was lost: {reason}") from None
    except tune.error.TuneError:
        if events.fault is not None:
            raise events.fault from None
        raise


@contextmanager
def _quiet_tune() -> Iterator[None]:
    """Without Tune's warnings, one per trial, that its result files are switched off."""
    logger = logging.getLogger("ray.tune")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
