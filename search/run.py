"""One search from spec to result: check everything, run the trials, test and register the best."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

import torch

from tuneyard.datasets import Dataset
from tuneyard.search.checkpoints import BestCheckpoints
from tuneyard.search.errors import SearchError
from tuneyard.search.mlflow_client import MlflowClient, MlflowException, check_store, connect
from tuneyard.search.mlflow_models import champion, crown, register
from tuneyard.search.mlflow_recorder import (
    Recorder,
    SearchRun,
    find_experiment,
    finish_search,
    start_search,
    trials_csv,
)
from tuneyard.search.progress import Progress
from tuneyard.search.results import (
    BaselineResult,
    MlflowResult,
    ObjectiveResult,
    SearchResult,
    best_result,
    best_trial,
    count_trials,
)
from tuneyard.search.schedulers import PBT
from tuneyard.search.spec import SearchSpec, Settings
from tuneyard.search.study import Study
from tuneyard.search.trials import BASELINE, TrialRecord
from tuneyard.search.tune_events import SearchStopper, TrialEvents
from tuneyard.search.tune_runner import check_resources, on_gpu, ray_connection, run_trials
from tuneyard.spaces.loop import TrainingSpace
from tuneyard.trainables.final import FinalModel, finish
from tuneyard.trainables.task import Task, find_task

logger = logging.getLogger(__name__)

GIVE_UP_SECONDS = 60.0
"""How long a search that has ended waits for an MLflow that is away."""


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
    started = time.monotonic()
    settings = settings or Settings()
    spec = spec.model_copy(update={"name": spec.name or _new_name(spec.task)})
    folder = settings.storage / str(spec.name)
    if folder.exists():
        raise SearchError(
            f"there is a search {spec.name!r} in {settings.storage} already; give another --name"
        )
    task = find_task(spec.task)
    spec = spec.model_copy(update={"folds": spec.folds or task.folds})
    data, splits = _load(task, spec, settings)
    check_store(settings.tracking_uri)
    with ray_connection(settings.address):
        concurrency = check_resources(spec)
        client = connect(settings.tracking_uri)
        experiment_id = find_experiment(client, spec.task)
        _make_folder(folder, spec)
        run = start_search(client, experiment_id, spec, task.objective, data)
        under_way = _Search(spec, settings, task, data, client, run, folder, started)
        return under_way.run(splits, concurrency)


def _new_name(task: str) -> str:
    # two searches may start within one second
    return f"{task}-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _load(
    task: Task[TrainingSpace], spec: SearchSpec, settings: Settings
) -> tuple[Dataset, tuple[Dataset, ...]]:
    """The data set, and what trials are ranked on: itself, or its folds."""
    data = task.load(settings.data_dir)
    folds = spec.folds or 1
    if folds == 1:
        return data, (data,)
    try:
        return data, tuple(data.fold(index, folds) for index in range(folds))
    except ValueError as error:
        raise SearchError(f"folds={folds} does not fit {data.name}: {error}") from None


def _make_folder(folder: Path, spec: SearchSpec) -> None:
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise SearchError(f"there is a search {spec.name!r} already; give another --name") from None
    except OSError as error:
        raise SearchError(
            f"the search's folder {folder} can't be made: {error.strerror}; name another with "
            "--storage"
        ) from None
    (folder / "spec.yaml").write_text(spec.to_yaml())


@dataclass(frozen=True)
class _Search:
    """A search whose request was found right."""

    spec: SearchSpec
    settings: Settings
    task: Task[TrainingSpace]
    data: Dataset
    client: MlflowClient
    run_ids: SearchRun
    folder: Path
    started: float

    def run(self, splits: tuple[Dataset, ...], concurrency: int) -> SearchResult:
        """Runs the trials and makes the best of them the result; closes the run in MLflow."""
        status = "FAILED"
        try:
            records, interrupted = self._run_trials(splits, concurrency)
            result = self._conclude(records, interrupted)
            status = {"stopped": "KILLED", "failed": "FAILED"}.get(result.state, "FINISHED")
            return result
        finally:
            with _mlflow_may_be_away():
                self.client.set_terminated(self.run_ids.run_id, status)

    def _run_trials(
        self, splits: tuple[Dataset, ...], concurrency: int
    ) -> tuple[list[TrialRecord], bool]:
        """Every trial, ended and recorded; and whether a person stopped the search."""
        spec, objective = self.spec, self.task.objective
        trials = self.folder / "checkpoints"
        mirror = self.folder / "study.journal"
        study = Study(
            spec.narrowed(),
            objective,
            spec.sampler,
            seed=spec.seed,
            name=str(spec.name),
            storage=mirror,
        )
        recorder = Recorder(self.client, self.run_ids, spec, objective)
        copied = isinstance(spec.scheduler, PBT)
        checkpoints = BestCheckpoints(objective, spec.keep, trials, recorder.writer, at_end=copied)
        progress = Progress(spec, objective, show=self.settings.display)
        stopper = SearchStopper(objective, spec.target)
        events = TrialEvents([study, checkpoints, recorder, progress, stopper])
        try:
            with progress:
                run_trials(
                    spec,
                    objective,
                    splits,
                    study,
                    events,
                    stopper,
                    concurrency=concurrency,
                    folder=trials,
                )
        finally:
            events.close("error")
            checkpoints.close()
            lacking = recorder.writer.flush(GIVE_UP_SECONDS)
            if lacking:
                logger.warning(
                    "MLflow did not answer for %g s: %d runs lack values there; all trials are in "
                    "%s",
                    GIVE_UP_SECONDS,
                    lacking,
                    self.folder / "trials.csv",
                )
        for record in events.records:
            record.run_id = recorder.writer.run_id(record.number) or ""
        return events.records, stopper.reason == "interrupt"

    def _conclude(self, records: list[TrialRecord], interrupted: bool) -> SearchResult:
        """Tests and registers the best model, and writes the result to MLflow and the folder."""
        best = best_trial(records, self.task.objective)
        final = self._test(best) if best else None
        outcome: Literal["stopped", "completed"] = "stopped" if interrupted else "completed"
        result = SearchResult(
            search=str(self.spec.name),
            task=self.spec.task,
            state="failed" if best is None else outcome,
            objective=ObjectiveResult(**asdict(self.task.objective)),
            trials=count_trials(records),
            baseline=self._baseline(records),
            best=best_result(best, final.metrics) if best and final else None,
            mlflow=MlflowResult(**asdict(self.run_ids)),
            wall_s=round(time.monotonic() - self.started, 3),
        )
        table = trials_csv(records)
        (self.folder / "trials.csv").write_text(table)
        (self.folder / "result.json").write_text(result.model_dump_json(indent=2))
        with _mlflow_may_be_away():
            if best and final:
                self._register(best, final)
            finish_search(self.client, result, table)
        return result

    def _baseline(self, records: list[TrialRecord]) -> BaselineResult:
        space = self.spec.narrowed()
        first = next((record for record in records if record.number == BASELINE), None)
        return BaselineResult(
            value=first.value if first else None, config=space.flatten(space.baseline())
        )

    def _test(self, best: TrialRecord) -> FinalModel:
        """Tests the best trial's model: here, or where there is a GPU if trials took one."""
        assert best.checkpoint is not None
        test = partial(
            finish,
            self.task,
            self.task.space.space().unflatten(best.best_params),
            self.data,
            checkpoint=best.checkpoint,
            folds=self.spec.folds or 1,
            epochs=best.best_epoch,
            seed=self.spec.seed,
        )
        if self.spec.gpus_per_trial:
            return on_gpu(test, self.spec)
        return test(device=torch.device("cpu"))

    def _register(self, best: TrialRecord, final: FinalModel) -> None:
        before = champion(self.client, self.spec.task)
        for name, value in final.metrics.items():
            self.client.log_metric(best.run_id, name, value)
        version = register(
            self.client,
            final,
            task=self.spec.task,
            run_id=best.run_id,
            tags={
                "tuneyard.search": str(self.spec.name),
                "tuneyard.metric": self.task.objective.metric,
                "tuneyard.value": repr(best.value),
                "tuneyard.data": self.data.fingerprint,
                "tuneyard.folds": str(self.spec.folds),
            },
        )
        logger.info(crown(self.client, version, self.task.objective, before))


@contextmanager
def _mlflow_may_be_away() -> Iterator[None]:
    """What the search found stands without MLflow: it is said, not raised."""
    try:
        yield
    except MlflowException as error:
        logger.warning("MLflow did not take all of the result: %s", error)
