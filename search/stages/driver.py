"""The driver of one search: its trials run, its best config tested and registered."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch

from tuneyard.datasets import Dataset
from tuneyard.search.models.registry import champion, crown, register
from tuneyard.search.results.csv import trials_csv
from tuneyard.search.results.progress import Progress
from tuneyard.search.results.result import (
    BaselineResult,
    MlflowResult,
    SearchResult,
    best_result,
    count_trials,
)
from tuneyard.search.spec.search import SearchSpec, Settings
from tuneyard.search.storage.checkpoints import BestCheckpoints
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.study.study import Study
from tuneyard.search.tracking.client import MlflowClient, MlflowException, Run
from tuneyard.search.tracking.heartbeat import Heartbeat
from tuneyard.search.tracking.recorder import Recorder
from tuneyard.search.tracking.runs import ChildRun, SearchRun, end_search, finish_search, last_epoch
from tuneyard.search.trials.clock import Clock
from tuneyard.search.trials.ranking import best_trial
from tuneyard.search.trials.record import TrialRecord
from tuneyard.search.tune.events import SearchStopper, TrialEvents
from tuneyard.search.tune.resources import Resources, on_gpu
from tuneyard.search.tune.runner import run_trials
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.trainables.task import Task
from tuneyard.trainables.training.evaluate import FinalModel, finish
from tuneyard.trainables.worker.assignment import BASELINE

logger = logging.getLogger(__name__)

GIVE_UP_SECONDS = 60.0
"""How long a search that has ended waits for an MLflow or an Optuna storage that is away."""


@dataclass(frozen=True)
class Driver:
    """A search whose request was found right.

    Attributes:
        spec: The search.
        settings: Where.
        task: Its task.
        data: The task's data set.
        folds: What trials are ranked on: the data set itself, or its folds.
        client: Of the tracking server.
        run: The search's run in MLflow.
        folder: The search's folder.
        study: Proposes the configs; knows what an earlier run of the search left.
        children: The trials' runs that an earlier run of the search made, by number.
        before: Seconds that the search has run before.
    """

    spec: SearchSpec
    settings: Settings
    task: Task[TrainingSpace]
    data: Dataset
    folds: tuple[Dataset, ...]
    client: MlflowClient
    run: SearchRun
    folder: SearchFolder
    study: Study
    children: Mapping[int, Run]
    before: float

    def drive(self) -> SearchResult:
        """Runs the search to its end; its run in MLflow is closed, whatever happens."""
        seconds = self.spec.time - self.before if self.spec.time else None
        ended = len(self.study.ended_before)
        clock = Clock(self.spec.trials - ended, seconds, self.before)
        state = "failed"
        try:
            with Heartbeat(self.client, self.run.run_id, clock):
                records, interrupted = self._run_trials(clock, seconds)
                result = self._conclude(records, interrupted, clock)
            state = result.state
            return result
        finally:
            with _mlflow_may_be_away():
                end_search(self.client, self.run.run_id, state)

    def _run_trials(self, clock: Clock, seconds: float | None) -> tuple[list[TrialRecord], bool]:
        """Every trial, ended and recorded; and whether a person stopped the search."""
        spec, objective, study = self.spec, self.task.objective, self.study
        recorder = Recorder(self.client, self.run, spec, objective, clock, self._known_runs())
        checkpoints = BestCheckpoints(
            objective,
            spec.keep,
            self.folder,
            recorder.writer,
            at_end=spec.scheduler.population,
        )
        progress = Progress(spec, objective, clock, show=self.settings.display)
        stopper = SearchStopper(objective, spec.target)
        epochs = {
            number: last_epoch(self.client, self.children[number])
            for number in study.unfinished
            if number in self.children
        }
        events = TrialEvents(
            [study, recorder, checkpoints, progress, stopper], study.ended_before, epochs
        )
        try:
            with progress:
                run_trials(
                    spec,
                    objective,
                    self.folds,
                    study,
                    events,
                    stopper,
                    self.folder,
                    seconds=seconds,
                )
        finally:
            events.close("error")
            checkpoints.close()
            self._warn(recorder.writer.flush(GIVE_UP_SECONDS), study.close(GIVE_UP_SECONDS))
            checkpoints.sweep()
        for record in events.records:
            record.run_id = recorder.run_id(record.number)
        return events.records, stopper.reason == "interrupt"

    def _known_runs(self) -> dict[int, ChildRun]:
        open_states = ("RUNNING", "SCHEDULED")
        return {
            number: ChildRun(run.info.run_id, ended=run.info.status not in open_states)
            for number, run in self.children.items()
        }

    def _warn(self, runs: int, trials: int) -> None:
        """Says what did not come in, and where it is."""
        for count, what, where in (
            (runs, "MLflow", "runs lack values there"),
            (trials, "the Optuna storage", "trials are not in it"),
        ):
            if count:
                logger.warning(
                    "%s did not answer for %g s: %d %s; all trials are in %s/trials.csv",
                    what,
                    GIVE_UP_SECONDS,
                    count,
                    where,
                    self.folder,
                )

    def _conclude(
        self, records: list[TrialRecord], interrupted: bool, clock: Clock
    ) -> SearchResult:
        """Tests and registers the best model, and writes the result to MLflow and the folder."""
        best = best_trial(records, self.task.objective)
        final = self._test(best) if best else None
        outcome: Literal["stopped", "completed"] = "stopped" if interrupted else "completed"
        result = SearchResult(
            search=str(self.spec.name),
            task=self.spec.task,
            state="failed" if best is None else outcome,
            objective=self.task.objective,
            trials=count_trials(records),
            baseline=self._baseline(records),
            best=best_result(best, final.metrics) if best and final else None,
            mlflow=MlflowResult(**asdict(self.run)),
            wall_s=round(clock.total, 3),
        )
        table = trials_csv(records)
        self.folder.write("trials.csv", table)
        self.folder.write("result.json", result.model_dump_json(indent=2))
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
        resources = Resources.of(self.spec)
        config = self.task.space.space().unflatten(best.best_params)
        name, folds, seed = str(best.checkpoint), self.spec.folds or 1, self.spec.seed
        task, data, folder, epochs = self.task, self.data, self.folder, best.best_epoch

        def test(device: torch.device) -> FinalModel:
            with folder.fetched(name) as checkpoint:
                return finish(
                    task,
                    config,
                    data,
                    checkpoint=Path(checkpoint),
                    folds=folds,
                    epochs=epochs,
                    seed=seed,
                    device=device,
                )

        if resources.gpus:
            return on_gpu(test, resources)
        return test(torch.device("cpu"))

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
                "tuneyard.classes": json.dumps(self.data.classes or None),
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
