"""A search's trials as one experiment of Ray Tune."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ray import tune
from ray.tune.experiment import Trial

from tuneyard.datasets import Dataset
from tuneyard.search.spec.schedulers import PBT, HyperBand, milestones
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.storage.folder import CHECKPOINTS, SearchFolder
from tuneyard.search.study.study import Study
from tuneyard.search.trials.record import trial_folder
from tuneyard.search.tune.connection import ENVIRONMENT
from tuneyard.search.tune.events import SearchStopper, TrialEvents
from tuneyard.search.tune.resources import Capacity, Resources
from tuneyard.search.tune.schedulers import RecallsRungs, build_scheduler
from tuneyard.search.tune.searcher import StudySearcher
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.worker.assignment import Assignment, Member
from tuneyard.trainables.worker.setup import TrialSetup
from tuneyard.trainables.worker.trainable import TrialTrainable
from tuneyard.trainables.worker.wire import ASSIGNMENT, assignment_of, to_config

WORKER_LOSSES = 2
"""How often a trial goes on from its checkpoint after its worker was lost."""


def run_trials(
    spec: SearchSpec,
    objective: Objective,
    folds: tuple[Dataset, ...],
    study: Study,
    events: TrialEvents,
    stopper: SearchStopper,
    folder: SearchFolder,
    *,
    seconds: float | None,
) -> None:
    """Runs a search's trials; every trial has ended, and its listeners know, when it returns.

    Args:
        spec: The search.
        objective: Of its task.
        folds: The data set, or its folds.
        study: Proposes the configs.
        events: Is told what happens.
        stopper: Ends the search; SIGINT and SIGTERM tell it to.
        folder: Where Tune keeps checkpoints, a folder a trial.
        seconds: Wall-clock budget; None without one.
    """
    os.environ.update(ENVIRONMENT)
    resources = Resources.of(spec)
    deadline = time.time() + seconds if seconds else None
    setup = TrialSetup(
        task=spec.task,
        folds=folds,
        seed=spec.seed,
        cpus=resources.cpus,
        gpus=resources.gpus,
        milestones=milestones(spec.scheduler, spec.max_epochs()),
        target=spec.target,
        deadline=deadline,
    )
    left = spec.trials - len(study.ended_before)
    # PBT keeps its population alive, and copies from older checkpoints of others
    population = isinstance(spec.scheduler, PBT)
    # HyperBand pauses trials until a bracket is full: only the resources bound how many run
    waiting = population or isinstance(spec.scheduler, HyperBand)
    proposals = _Proposals(study, folder)
    capacity = Capacity(resources, left if waiting else spec.concurrency)
    scheduler = build_scheduler(
        spec.scheduler, objective.mode, spec.narrowed(), spec.max_epochs(), spec.seed
    )
    if isinstance(scheduler, RecallsRungs):
        scheduler.recall(study.curves())
    with _stop_on_signals(stopper), _quiet_tune():
        # not `Tuner`, which copies and pickles its plug-ins for a restore that is not used
        tune.run(
            tune.with_parameters(TrialTrainable, shared=setup),
            name=CHECKPOINTS,
            storage_path=folder.path,
            storage_filesystem=None if folder.is_local else folder.filesystem,
            config=_population(proposals, left) if population else None,
            num_samples=1 if population else left,
            search_alg=None if population else StudySearcher(proposals, capacity, deadline),
            scheduler=scheduler,
            resources_per_trial=tune.PlacementGroupFactory([resources.bundle]),
            max_concurrent_trials=left,
            reuse_actors=True,
            max_failures=WORKER_LOSSES,
            raise_on_failed_trial=False,
            checkpoint_config=tune.CheckpointConfig(num_to_keep=None if population else 1),
            trial_dirname_creator=_folder_name,
            callbacks=[events],
            stop=stopper,
            verbose=0,
        )
    events.close(stopper.reason or "time")


class _Proposals:
    """The study's proposals as configs of trials; unfinished ones go on from their checkpoints."""

    def __init__(self, study: Study, folder: SearchFolder) -> None:
        self._study = study
        self._folder = folder
        self._unfinished = set(study.unfinished)

    def __call__(self) -> dict[str, Any] | None:
        """The next one; None when a grid has no more."""
        asked = self._study.ask()
        if asked is None:
            return None
        number, proposed = asked
        earlier = self._folder.set_aside(number) if number in self._unfinished else None
        member = Member(number, proposed, proposed)
        if earlier:
            # PBT may have changed them since
            params = self._folder.checkpoint_params(earlier) or proposed
            address = self._folder.address(earlier)
            member = Member(number, params, proposed, checkpoint=address)
        return to_config(Assignment((member,)))


def _folder_name(trial: Trial) -> str:
    return trial_folder(assignment_of(trial.config).members[0].number)


def _population(proposals: _Proposals, size: int) -> dict[str, Any]:
    """PBT's configs, all proposed at the start: Tune refuses a searcher beside PBT."""
    configs = [config for _ in range(size) if (config := proposals())]
    return {ASSIGNMENT: tune.grid_search([assignment_of(config) for config in configs])}


@contextmanager
def _quiet_tune() -> Iterator[None]:
    """Tune's analysis misses the result files that are switched off, and says so a line a trial."""
    logger = logging.getLogger("ray.tune")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _stop_on_signals(stopper: SearchStopper) -> Iterator[None]:
    """SIGINT and SIGTERM end the search in order; a second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watched = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in watched}

    def handle(_number: int, _frame: FrameType | None) -> None:
        stopper.stop("interrupt")
        for one in watched:
            signal.signal(one, before[one])

    for number in watched:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in watched:
            signal.signal(number, before[number])
