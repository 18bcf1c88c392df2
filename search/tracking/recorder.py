"""A search in MLflow: one parent run, one child run per trial, checkpoints as artifacts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from mlflow import MlflowClient

from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.storage.trial_files import TrialFiles, files_of
from tuneyard.search.tracking.runs import PARENT_RUN, ChildRun, SearchRun
from tuneyard.search.tracking.tags import SearchTags, TrialTags
from tuneyard.search.tracking.writer import MlflowWriter
from tuneyard.search.trials.clock import Clock
from tuneyard.search.trials.listener import History, TrialListener
from tuneyard.search.trials.record import ENDS, FAILURES, State, TrialRecord, trial_folder
from tuneyard.spaces import to_text
from tuneyard.trainables.worker.assignment import BASELINE

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


class Recorder(TrialListener):
    """A listener that records trials in MLflow, off the search's thread.

    Args:
        client: Of the tracking server.
        run: The parent run; see `start_search`.
        search: What is searched.
        clock: Its clock.
        files: The trials in the search's folder.
        folder: Of the search.
        children: The trials' runs that were made before the search was resumed, by number.
    """

    def __init__(
        self,
        client: MlflowClient,
        run: SearchRun,
        search: ResolvedSpec,
        clock: Clock,
        files: TrialFiles,
        folder: SearchFolder,
        children: Mapping[int, ChildRun] | None = None,
    ) -> None:
        self._run = run
        self._clock = clock
        self._files = files
        self._folder = folder
        self._children = children or {}
        self._search = search.name
        self._objective = search.task.objective
        self._metric = self._objective.metric
        self._stride = math.ceil((search.max_epochs or 1) / CURVE_POINTS)
        self._states: Counter[State] = Counter()
        self._best: float | None = None
        self._baseline: float | None = None
        self._logged: dict[int, Mapping[str, object]] = {}
        self._last: dict[int, dict[str, dict[int, float]]] = {}
        self.writer = MlflowWriter(client, run.experiment_id, folder)
        self.writer.start(PARENT, self._search, {}, run_id=run.run_id)

    def restored(self, record: TrialRecord) -> None:
        """Counts a trial that ended before, and writes all of it where MLflow lacks its end.

        A run is closed after all else of it was written.
        """
        child = self._children.get(record.number)
        self._start(record, child)
        if child is None or not child.ended:
            self._log_params(record)
            self._complete(record)
        self._count_end(record)
        self._log_best()

    def _complete(self, record: TrialRecord) -> None:
        """Writes a trial from the search's folder, from its first epoch to its end."""
        trial = self._files.ended_trial(record.number)
        if trial is not None and trial.history:
            self._logged[record.number] = record.current = record.params
            self.progressed(record, trial.history)
        if self._folder.holds(files_of(record.number)):
            self.writer.upload(record.number, self._folder, files_of(record.number), None)
        self._end(record)
        self._logged.pop(record.number, None)

    def started(self, record: TrialRecord) -> None:
        """Makes the child run, with the config as params.

        A trial that starts anew has a new one: it may end before it has trained again all epochs
        that the run of its first attempt shows.
        """
        child = self._children.get(record.number)
        if child is not None and not record.continues:
            self._start(record, None, instead_of=child.run_id)
            child = None
        else:
            self._start(record, child)
        if child is not None and child.ended:
            # the end is in MLflow, but not in the study: the trial continues
            again = TrialTags(state=record.state, eligible=False)
            self.writer.log(record.number, tags=again.encode())
            self.writer.reopen(record.number)
        self._log_params(record)
        self._logged[record.number] = record.params
        self._states["running"] += 1
        self._log_standing()

    def _log_params(self, record: TrialRecord) -> None:
        params = {path: to_text(value) for path, value in record.params.items()}
        self.writer.log(record.number, params=params)

    def _start(
        self, record: TrialRecord, child: ChildRun | None, instead_of: str | None = None
    ) -> None:
        tags = TrialTags(search=self._search, number=record.number, state=record.state)
        name = f"{self._search}-{trial_folder(record.number)}"
        if child is None:
            nested = {PARENT_RUN: self._run.run_id}
            tagged = nested | tags.encode()
            self.writer.start(record.number, name, tagged, instead_of=instead_of)
        else:
            self.writer.start(record.number, name, {}, run_id=child.run_id)

    def progressed(self, record: TrialRecord, history: History) -> None:
        """Logs the epochs' metrics, and what a scheduler has changed in the config since."""
        epochs = range(record.epoch - len(next(iter(history.values()))) + 1, record.epoch + 1)
        metrics = {
            name: {
                epoch: value
                for epoch, value in zip(epochs, values, strict=True)
                if value is not None and (epoch == 1 or epoch % self._stride == 0)
            }
            for name, values in history.items()
        }
        # where the last epoch is skipped, it is logged at the trial's end
        self._last[record.number] = {
            name: {record.epoch: values[-1]}
            for name, values in history.items()
            if values[-1] is not None and record.epoch not in metrics[name]
        }
        if record.current is not self._logged[record.number]:
            before, self._logged[record.number] = self._logged[record.number], record.current
            for path, value in record.current.items():
                if value != before.get(path) and isinstance(value, int | float):
                    metrics[path] = {epochs[0]: float(value)}
        self.writer.log(record.number, metrics=metrics)

    def logged(self, record: TrialRecord, files: Mapping[str, bytes]) -> None:
        """Records the files that the trial logged as artifacts of its run."""
        self.writer.save(record.number, files)

    def ended(self, record: TrialRecord) -> None:
        """Ends the child run and moves the parent's best-so-far on."""
        self._end(record)
        self._logged.pop(record.number, None)
        self._states["running"] -= 1
        self._clock.ended += 1
        self._count_end(record)
        self._log_best()

    def _log_best(self) -> None:
        """The best value so far, by how many trials have ended."""
        if self._best is not None:
            step = self._states.total() - self._states["running"]
            best = {f"best_{self._metric}": {step: self._best}}
            self.writer.log(PARENT, metrics=best)

    def _end(self, record: TrialRecord) -> None:
        changed = record.best_params and record.best_params != record.params
        tags = TrialTags(
            state=record.state,
            reason=record.reason,
            node=record.node,
            value=record.value,
            best_epoch=None if record.value is None else record.best_epoch,
            eligible=record.eligible,
            best_params=record.best_params if changed else None,
        )
        if record.traceback:
            self.writer.save(record.number, {"traceback.txt": record.traceback.encode()})
        metrics = self._last.pop(record.number, {})
        if record.value is not None:
            metrics[f"best_{self._metric}"] = {record.best_epoch: record.value}
        self.writer.log(record.number, tags=tags.encode(), metrics=metrics)
        self.writer.end(record.number, STATUS[record.state])

    def _count_end(self, record: TrialRecord) -> None:
        self._states[record.state] += 1
        value = record.value if record.eligible else None
        if value is not None and self._objective.better(value, self._best):
            self._best = value
        if record.number == BASELINE:
            self._baseline = record.value
        self._log_standing()

    def _log_standing(self) -> None:
        """Counts, values and the estimate as tags of the parent: a status needs no other run."""
        counts = {"total": self._states.total(), "running": self._states["running"]}
        counts |= {state: self._states[state] for state in ENDS}
        remaining = self._clock.remaining
        tags = SearchTags(
            trials=counts,
            eta=None if remaining is None else round(remaining, 1),
            baseline=self._baseline,
            best=self._best,
        )
        self.writer.log(PARENT, tags=tags.encode())

    def run_id(self, number: int) -> str:
        """MLflow's id of a trial's run; empty before it is made."""
        return self.writer.run_id(number) or ""
