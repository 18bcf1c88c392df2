"""Ray Tune's callbacks as events of trials, which every listener hears once and in order."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, cast  # Any: Ray Tune's callbacks are given anything

from ray.exceptions import RayTaskError
from ray.tune import Callback
from ray.tune.experiment import Trial

from tuneyard.search.errors import first_line
from tuneyard.search.storage.files import StorageError
from tuneyard.search.storage.folder import CHECKPOINTS
from tuneyard.search.trials.listener import TrialListener
from tuneyard.search.trials.record import Params, TrialRecord
from tuneyard.search.tune.lost import last_lines
from tuneyard.trainables.worker.assignment import Member
from tuneyard.trainables.worker.report import MemberReport
from tuneyard.trainables.worker.wire import assignment_of, report_of, with_given_up

LOST = "its process ended: the code ended it (os._exit), or it was killed, or out of memory"
"""What is known of a worker that was lost."""


class TrialEvents(Callback):
    """Keeps the record of every trial and tells the listeners.

    Args:
        listeners: Hear each event in this order.
        before: The trials that ended before the search was resumed.
        timeout: Seconds within which a trial must have trained another epoch; None for ever.

    Attributes:
        fault: What a listener has raised; None as long as none has.
    """

    def __init__(
        self,
        listeners: Sequence[TrialListener],
        before: Sequence[TrialRecord] = (),
        timeout: float | None = None,
    ) -> None:
        self._listeners = listeners
        self._before = before
        self._timeout = timeout
        self.fault: Exception | None = None
        self._heard: dict[str, float] = {}
        self._members: dict[str, list[TrialRecord]] = {}
        self._ended = {record.number for record in before}
        for record in before:
            for listener in listeners:
                listener.restored(record)

    @property
    def records(self) -> list[TrialRecord]:
        """Every trial so far, by number."""
        running = (record for records in self._members.values() for record in records)
        records = [*self._before, *running]
        return sorted(records, key=lambda record: record.number)

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """A trial starts, or continues after a pause with what the scheduler made of its config."""
        for record, member in zip(
            self._records(trial), assignment_of(trial.config).members, strict=True
        ):
            record.current = member.params
            # its worker may have been lost while it saved what it had trained to the end
            record.state, record.reason = "running", ""
        self._heard[trial.trial_id] = time.monotonic()

    def _records(self, trial: Trial) -> list[TrialRecord]:
        """The records of a trial of Ray Tune: one for each member of its first assignment."""
        # under PBT a copied assignment holds the number of the trial that it was copied from
        if trial.trial_id not in self._members:
            assignment = assignment_of(trial.config)
            records = [
                self._start(member, continues=member.checkpoint is not None)
                for member in assignment.members
            ]
            self._members[trial.trial_id] = records
        return self._members[trial.trial_id]

    def _start(self, member: Member, *, continues: bool) -> TrialRecord:
        record = TrialRecord(
            member.number,
            member.proposed,
            current=member.proposed,
            continues=continues,
        )
        self._tell(lambda listener: listener.started(record))
        return record

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """A trial trained some epochs, or ended by itself."""
        self._heard[trial.trial_id] = time.monotonic()
        for record, report in zip(self._records(trial), report_of(result).members, strict=True):
            record.seconds = result["time_total_s"]
            record.node = result["hostname"]
            self._take(record, report)

    def _take(self, record: TrialRecord, report: MemberReport) -> None:
        """Brings a record up to what the trial reports."""
        new = report.epoch - record.epoch
        # epochs that a lost worker had reported come again; a copy under PBT may be behind
        history = {name: values[-new:] for name, values in report.history.items() if new > 0}
        record.epoch = max(record.epoch, report.epoch)
        best = report.best
        if best is not None and math.isfinite(best.value):
            record.value = best.value
            record.best_epoch = best.epoch
            record.best_params = best.params
            record.metrics = dict(best.metrics)
        record.reason = report.error or report.reason or ""
        record.traceback = report.traceback
        if report.reason:
            # a deadline cuts a trial short; every other reason is the name of its state
            record.state = "pruned" if report.reason == "deadline" else report.reason
        if history:
            self._tell(lambda listener: listener.progressed(record, history))
        if report.artifacts:
            self._tell(lambda listener: listener.logged(record, report.artifacts))

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """A trial ended by itself, or the scheduler stopped it."""
        for record in self._records(trial):
            if record.state == "running":
                record.state, record.reason = "pruned", "scheduler"
            elif record.state in ("completed", "early_stopped", "pruned") and trial.checkpoint:
                folder, _, name = str(trial.checkpoint.path).rpartition(f"/{CHECKPOINTS}/")
                assert folder, "a checkpoint lies in the search's folder"
                record.checkpoint = f"{CHECKPOINTS}/{name}"
            self._end(record)

    def on_trial_recover(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """A trial's worker was lost, and the trial is tried again, unless it had hung."""
        silent = time.monotonic() - self._heard.get(trial.trial_id, math.inf)
        if self._timeout is not None and silent >= self._timeout:
            trial.config = with_given_up(
                trial.config,
                f"no epoch within {self._timeout:g} s (trial_timeout), so its process was ended",
            )

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """A trial's worker was lost more often than it is retried."""
        # it is what Ray has raised, whatever its annotation says
        error = cast("Exception | None", trial.get_error())
        if isinstance(error, RayTaskError) and isinstance(error.cause, OSError):
            # what a task raises while it trains is reported: this is a checkpoint's file, and the
            # trial can go on from the one before when there is room again
            self.fault = StorageError(f"a checkpoint can't be written: {first_line(error.cause)}")
            raise self.fault
        said = last_lines(trial)
        reason = f"{LOST}; it said last: {said[-1]}" if said else _last_line(trial)
        for record in self._records(trial):
            record.state, record.reason = "failed", reason
            record.traceback = "\n".join(said) or record.traceback
            self._end(record)

    def close(self, reason: str) -> None:
        """Ends the trials that Tune left running, without a callback, when a search was stopped."""
        for record in self.records:
            if record.number not in self._ended:
                if record.state == "running":
                    record.state, record.reason = "pruned", reason
                self._end(record)

    def give_up(self, number: int, params: Params, reason: str) -> None:
        """Ends a trial that the search has no more time for; it had begun before a resume."""
        member = Member(number, params, params)
        # it trains no more: what its run shows stays
        record = self._start(member, continues=True)
        self._members[f"given up {number}"] = [record]
        record.state, record.reason = "pruned", reason
        self._end(record)

    def _end(self, record: TrialRecord) -> None:
        self._ended.add(record.number)
        self._tell(lambda listener: listener.ended(record))

    def _tell(self, tell: Callable[[TrialListener], None]) -> None:
        """Tells all listeners; what one of them raises ends the search."""
        try:
            for listener in self._listeners:
                tell(listener)
        except Exception as error:
            self.fault = error
            raise


def _last_line(trial: Trial) -> str:
    error = trial.get_error()
    lines = str(error).strip().splitlines() if error else []
    return lines[-1].strip() if lines else LOST
