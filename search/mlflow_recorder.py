"""A search in MLflow: a parent run, a child run a trial, the best checkpoints as artifacts."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from mlflow import MlflowClient

from tuneyard.datasets import Dataset
from tuneyard.search.errors import SearchError
from tuneyard.search.mlflow_writer import MlflowWriter
from tuneyard.search.results import SearchResult
from tuneyard.search.spec import SearchSpec
from tuneyard.search.trials import FAILURES, History, State, TrialRecord, trial_folder
from tuneyard.spaces import to_text
from tuneyard.trainables.task import Objective

PARENT = -1
"""The parent run's key; a trial's is its number."""

CURVE_POINTS = 100
"""A longer curve is thinned to about so many epochs: MLflow takes 0.2 ms a value."""

STATUS: dict[State, str] = {
    "completed": "FINISHED",
    "early_stopped": "FINISHED",
    "pruned": "KILLED",
}
STATUS |= dict.fromkeys(FAILURES, "FAILED")


@dataclass(frozen=True)
class SearchRun:
    """Where a search is in MLflow."""

    tracking_uri: str
    experiment_id: str
    run_id: str


class Recorder:
    """A listener that records trials in MLflow, off the search's thread.

    Args:
        client: Of the tracking server.
        run: The parent run; see `start_search`.
        spec: The search.
        objective: Of its task.
    """

    def __init__(
        self, client: MlflowClient, run: SearchRun, spec: SearchSpec, objective: Objective
    ) -> None:
        self._run = run
        self._search = spec.name or ""
        self._metric = objective.metric
        self._objective = objective
        self._stride = math.ceil(spec.max_epochs() / CURVE_POINTS)
        self._ended = 0
        self._best: float | None = None
        self._logged: dict[int, Mapping[str, object]] = {}
        self._last: dict[int, dict[str, dict[int, float]]] = {}
        self.writer = MlflowWriter(client, run.experiment_id)
        self.writer.start(PARENT, self._search, {}, run_id=run.run_id)

    def started(self, record: TrialRecord) -> None:
        """Makes the child run, with the config as params."""
        tags = {
            "mlflow.parentRunId": self._run.run_id,
            "tuneyard.search": self._search,
            "tuneyard.number": str(record.number),
            "tuneyard.state": record.state,
        }
        self.writer.start(record.number, f"{self._search}-{trial_folder(record.number)}", tags)
        params = {path: to_text(value) for path, value in record.params.items()}
        self.writer.log(record.number, params=params)
        self._logged[record.number] = record.params

    def progressed(self, record: TrialRecord, history: History) -> None:
        """Logs the epochs' metrics, and what a scheduler has changed in the config since."""
        epochs = range(record.epoch - len(next(iter(history.values()))) + 1, record.epoch + 1)
        metrics = {
            name: {
                epoch: value
                for epoch, value in zip(epochs, values, strict=True)
                if epoch == 1 or epoch % self._stride == 0
            }
            for name, values in history.items()
        }
        # the last epoch is logged at the end, where it is thinned out
        skipped = record.epoch not in next(iter(metrics.values()))
        self._last[record.number] = {
            name: {record.epoch: values[-1]} for name, values in history.items() if skipped
        }
        if record.current is not self._logged[record.number]:
            before, self._logged[record.number] = self._logged[record.number], record.current
            for path, value in record.current.items():
                if value != before.get(path) and isinstance(value, int | float):
                    metrics[path] = {epochs[0]: float(value)}
        self.writer.log(record.number, metrics=metrics)

    def ended(self, record: TrialRecord) -> None:
        """Ends the child run and moves the parent's best-so-far on."""
        tags = {"tuneyard.state": record.state, "tuneyard.reason": record.reason}
        metrics = self._last.pop(record.number, {})
        if record.value is not None:
            tags["tuneyard.value"] = repr(record.value)
            tags["tuneyard.best_epoch"] = str(record.best_epoch)
            metrics[f"best_{self._metric}"] = {record.best_epoch: record.value}
        if record.candidate:
            tags["tuneyard.candidate"] = "true"
        if record.best_params and record.best_params != record.params:
            tags["tuneyard.best_params"] = json.dumps(record.best_params)
        self.writer.log(record.number, tags=tags, metrics=metrics)
        self.writer.end(record.number, STATUS[record.state])
        self._logged.pop(record.number, None)
        self._ended += 1
        value = record.value if record.candidate else None
        if value is not None and self._objective.better(value, self._best):
            self._best = value
        if self._best is not None:
            best = {f"best_{self._metric}": {self._ended: self._best}}
            self.writer.log(PARENT, metrics=best)


def find_experiment(client: MlflowClient, task: str) -> str:
    """The id of the experiment ``tuneyard/<task>``, which is made where it is missing.

    Raises:
        SearchError: A person deleted it.
    """
    name = f"tuneyard/{task}"
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return client.create_experiment(name)
    if experiment.lifecycle_stage != "active":
        raise SearchError(
            f"the experiment {name} was deleted in MLflow at {client.tracking_uri}; restore it "
            "there, or name another store with --tracking-uri"
        )
    return experiment.experiment_id


def start_search(
    client: MlflowClient,
    experiment_id: str,
    spec: SearchSpec,
    objective: Objective,
    data: Dataset,
) -> SearchRun:
    """Makes the parent run."""
    tags = {
        "tuneyard.search": spec.name or "",
        "tuneyard.task": spec.task,
        "tuneyard.state": "running",
        "tuneyard.metric": objective.metric,
        "tuneyard.mode": objective.mode,
        "tuneyard.folds": str(spec.folds),
        "tuneyard.data": data.fingerprint,
        "tuneyard.data_source": data.source,
        "tuneyard.version": version("tuneyard"),
    }
    run = client.create_run(experiment_id, tags=tags, run_name=spec.name)
    run_id = run.info.run_id
    for key, value in spec.model_dump(mode="json").items():
        if value is not None:
            client.log_param(run_id, key, value if isinstance(value, str) else json.dumps(value))
    client.log_text(run_id, spec.to_yaml(), "spec.yaml")
    schema = spec.narrowed().config_type.model_json_schema()
    client.log_dict(run_id, schema, "space.schema.json")
    return SearchRun(client.tracking_uri, experiment_id, run_id)


def finish_search(client: MlflowClient, result: SearchResult, table: str) -> None:
    """Writes a result to the parent run: state, metrics, ``result.json`` and ``trials.csv``."""
    run_id = result.mlflow.run_id
    client.set_tag(run_id, "tuneyard.state", result.state)
    values: dict[str, float | None] = {f"baseline_{result.objective.metric}": result.baseline.value}
    if result.best:
        client.set_tag(run_id, "tuneyard.best_run", result.best.mlflow_run_id)
        values |= result.best.test
        values["improvement_percent"] = result.improvement
    for name, value in values.items():
        if value is not None:
            client.log_metric(run_id, name, value)
    client.log_text(run_id, result.model_dump_json(indent=2), "result.json")
    client.log_text(run_id, table, "trials.csv")


def trials_csv(records: list[TrialRecord]) -> str:
    """Every trial a row: number, state, reason, value, best epoch, epochs, seconds, params."""
    paths = sorted({path for record in records for path in record.best_params | record.params})
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(
        ["number", "state", "reason", "value", "best_epoch", "epochs", "seconds", *paths]
    )
    for record in records:
        shown = record.best_params or record.params
        params = {path: to_text(value) for path, value in shown.items()}
        table.writerow(
            [
                record.number,
                record.state,
                record.reason,
                "" if record.value is None else repr(record.value),
                record.best_epoch,
                record.epoch,
                round(record.seconds, 3),
                *(params.get(path, "") for path in paths),
            ]
        )
    return text.getvalue()
