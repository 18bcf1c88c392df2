"""A search's trials on Ray: the connection, what it can hold, and the Tune run."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import ray
from ray import tune

from tuneyard.datasets import Dataset
from tuneyard.search.errors import SearchError
from tuneyard.search.schedulers import PBT, HyperBand, milestones
from tuneyard.search.spec import SearchSpec
from tuneyard.search.study import Study
from tuneyard.search.trials import trial_folder
from tuneyard.search.tune_events import SearchStopper, TrialEvents
from tuneyard.search.tune_schedulers import build_scheduler
from tuneyard.search.tune_searcher import StudySearcher
from tuneyard.trainables.task import Objective
from tuneyard.trainables.trial import TrialSetup, TrialTrainable, trial_device

ResultT = TypeVar("ResultT")

WORKER_LOSSES = 2
"""How often a trial goes on from its checkpoint after its worker was lost."""

# Ray Tune's own result files and state snapshots: ours are MLflow, the mirrored study and the
# search's folder, and at 10,000 trials the snapshots cost more than the trials
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": str(10**9),
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
}


@contextmanager
def ray_connection(address: str | None) -> Iterator[None]:
    """Ray for the time of a search: one that is connected already, a cluster, or one started here.

    Raises:
        SearchError: The cluster can't be reached.
    """
    if ray.is_initialized():
        yield
        return
    os.environ.update(_ENVIRONMENT)
    try:
        ray.init(
            address=address or "local",
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except ConnectionError as error:
        raise SearchError(f"no Ray cluster answers at {address}: {error}") from None
    try:
        yield
    finally:
        ray.shutdown()


def check_resources(spec: SearchSpec) -> int:
    """How many trials run at a time.

    Raises:
        SearchError: No node has the CPUs or GPUs that one trial takes.
    """
    wanted = {"CPU": spec.cpus_per_trial, "GPU": spec.gpus_per_trial}
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    for resource, amount in wanted.items():
        most = max(node.get(resource, 0.0) for node in nodes)
        if amount > most:
            raise SearchError(
                f"{resource.lower()}s_per_trial must be at most {most:g}, what the largest node "
                f"has, got {amount:g}"
            )
    fitting = sum(
        int(min(node.get(name, 0.0) / amount for name, amount in wanted.items() if amount))
        for node in nodes
    )
    return min(fitting, spec.concurrency or fitting, spec.trials)


def run_trials(
    spec: SearchSpec,
    objective: Objective,
    splits: tuple[Dataset, ...],
    study: Study,
    events: TrialEvents,
    stopper: SearchStopper,
    *,
    concurrency: int,
    folder: Path,
) -> None:
    """Runs a search's trials; every trial has ended, and its listeners know, when it returns.

    Args:
        spec: The search.
        objective: Of its task.
        splits: The data set, or its folds.
        study: Proposes the configs.
        events: Is told what happens.
        stopper: Ends the search; SIGINT and SIGTERM tell it to.
        concurrency: Trials at a time.
        folder: Where Tune keeps checkpoints, a folder a trial.

    """
    os.environ.update(_ENVIRONMENT)
    deadline = time.time() + spec.time if spec.time else None
    setup = TrialSetup(
        task=spec.task,
        splits=splits,
        seed=spec.seed,
        cpus=spec.cpus_per_trial,
        gpus=spec.gpus_per_trial,
        milestones=milestones(spec.scheduler, spec.max_epochs()),
        target=spec.target,
        deadline=deadline,
    )
    # PBT keeps its population alive, and copies from older checkpoints of others
    population = isinstance(spec.scheduler, PBT)
    # HyperBand pauses trials until a bracket is full: only the resources bound how many run
    waiting = population or isinstance(spec.scheduler, HyperBand)
    with _stop_on_signals(stopper), _quiet_tune():
        # not `Tuner`, which copies and pickles its plug-ins for a restore that is not used
        tune.run(
            tune.with_parameters(TrialTrainable, shared=setup),
            name=folder.name,
            storage_path=str(folder.parent.resolve()),
            config=_population(spec, study) if population else None,
            num_samples=1 if population else spec.trials,
            search_alg=None if population else StudySearcher(study, deadline),
            scheduler=build_scheduler(
                spec.scheduler, objective.mode, spec.narrowed(), spec.max_epochs(), spec.seed
            ),
            resources_per_trial={"cpu": spec.cpus_per_trial, "gpu": spec.gpus_per_trial},
            max_concurrent_trials=spec.trials if waiting else concurrency,
            reuse_actors=True,
            max_failures=WORKER_LOSSES,
            raise_on_failed_trial=False,
            checkpoint_config=tune.CheckpointConfig(num_to_keep=None if population else 1),
            trial_dirname_creator=lambda trial: trial_folder(trial.config["trial"]["number"]),
            callbacks=[events],
            stop=stopper,
            verbose=0,
        )
    events.close(stopper.reason or "time")


def _population(spec: SearchSpec, study: Study) -> dict[str, Any]:
    """PBT's configs, all proposed at the start: Tune refuses a searcher beside PBT."""
    asked = [study.ask() for _ in range(spec.trials)]
    configs = [{"number": one[0], "params": one[1]} for one in asked if one is not None]
    return {"trial": tune.grid_search(configs)}


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


def on_gpu(function: Callable[..., ResultT], spec: SearchSpec) -> ResultT:
    """Calls a function once with a trial's resources; it is given their `device`."""

    def call() -> ResultT:
        return function(device=trial_device(spec.gpus_per_trial))

    remote = ray.remote(num_cpus=spec.cpus_per_trial, num_gpus=spec.gpus_per_trial)(call)
    result: ResultT = ray.get(remote.remote())
    return result
