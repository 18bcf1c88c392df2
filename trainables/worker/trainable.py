"""`TrialTrainable`: one trial on Ray, a thin class over the training of its task."""

from __future__ import annotations

import faulthandler
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any  # configs, results and checkpoints of Ray Tune hold anything

import torch
from ray import tune

from tuneyard.spaces.code.errors import CodeError
from tuneyard.trainables.find import find_searchable
from tuneyard.trainables.searchable import TrialTraining
from tuneyard.trainables.training.checkpoint import load_params, load_training, save_checkpoint
from tuneyard.trainables.worker.assignment import Params
from tuneyard.trainables.worker.device import is_out_of_memory, trial_device
from tuneyard.trainables.worker.history import History
from tuneyard.trainables.worker.report import BestEpoch, MemberReport, Reason, Report
from tuneyard.trainables.worker.setup import TrialSetup
from tuneyard.trainables.worker.wire import assignment_of, to_result

logger = logging.getLogger(__name__)

STEP_SECONDS = 1.0
"""A step is as many epochs as fill this, so that small models do not drown in scheduling."""

SAVE_SECONDS = 60.0
"""A trial that continues is saved this often, so that a lost worker costs no more."""


class TrialTrainable(tune.Trainable):
    """Trains the trial of an `Assignment`, and sends a `Report` after each step.

    Actors are reused for one trial after the other. A trial that raises is reported like any
    other end, so that its actor lives on and Ray retries only the workers that it lost.
    """

    def setup(self, config: dict[str, Any], shared: TrialSetup | None = None) -> None:
        """Called once per actor; `shared` comes by `tune.with_parameters`."""
        assert shared is not None
        self._shared = shared
        self._task = find_searchable(shared.task)
        self._objective = self._task.description.objective
        self._space = self._task.description.space.space()
        self._training: TrialTraining | None = None
        torch.set_num_threads(max(1, int(shared.cpus)))
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Makes the actor ready for another trial."""
        self.cleanup()
        self._member = assignment_of(new_config).single
        self._best_params = self._member.params
        self._history = History()
        self._saved_at = time.monotonic()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return True

    def cleanup(self) -> None:
        """Ends the training of the trial before."""
        if self._training is not None:
            self._training.close()
        self._training = None

    def step(self) -> dict[str, Any]:
        """Trains for about a second, to the next milestone, or to the end."""
        epochs: list[dict[str, float]] = []
        if self._member.given_up:
            return self._result(epochs, reason="failed", error=self._member.given_up)
        try:
            reason = self._train(epochs)
        except Exception as error:
            return self._failed(epochs, error)
        return self._result(epochs, reason=reason)

    def _failed(self, epochs: list[dict[str, float]], error: Exception) -> dict[str, Any]:
        if is_out_of_memory(error) or is_out_of_memory(error.__cause__):
            reason: Reason = "out_of_memory"
        else:
            reason = "failed"
        if isinstance(error, CodeError):
            return self._result(epochs, reason=reason, error=str(error), trace=error.details)
        return self._result(epochs, reason=reason, error=f"{type(error).__name__}: {error}")

    def _train(self, epochs: list[dict[str, float]]) -> Reason | None:
        """Trains one step; adds the metrics of each of its epochs to `epochs`."""
        if self._training is None:
            self._training = self._start(self._member.params)
            if self._member.checkpoint is not None:
                self._continue_from(self._member.checkpoint)
        training = self._training
        reason: Reason | None = None
        started = time.monotonic()
        while reason is None:
            best, before = training.best, training.epoch
            with _at_most(self._shared.timeout):
                metrics = training.run_epoch()
            # a user's function may end without another epoch
            epochs += [metrics] * (training.epoch - before)
            if training.best is not best:
                self._best_params = self._member.params
            reason = training.ended or self._reached()
            filled = time.monotonic() - started >= STEP_SECONDS
            if filled or training.epoch in self._shared.milestones:
                break
        return reason

    def _continue_from(self, address: str) -> None:
        """Loads a checkpoint from before a resume; one that is not whole starts the trial anew."""
        try:
            with tune.Checkpoint(address).as_directory() as folder:
                self.load_checkpoint(folder)
        except Exception as error:
            logger.warning("%s can't be read, the trial starts anew: %s", address, error)

    def _start(self, params: Params) -> TrialTraining:
        seed = self._shared.seed if self._member.seed is None else self._member.seed
        return self._task.start(
            self._space.unflatten(params),
            self._shared.folds,
            seed=seed,
            device=trial_device(self._shared.gpus),
            milestones=self._shared.milestones,
        )

    def _reached(self) -> Reason | None:
        """Why the search wants no more of this trial, or None."""
        shared = self._shared
        best = self._training.best if self._training else None
        target = shared.target
        if target is not None and best and self._objective.reached(best.value, target):
            return "completed"
        if shared.deadline is not None and time.time() >= shared.deadline:
            return "deadline"
        return None

    def _result(
        self,
        epochs: list[dict[str, float]],
        *,
        reason: Reason | None,
        error: str | None = None,
        trace: str = "",
    ) -> dict[str, Any]:
        best, training = self._best(), self._training
        for metrics in epochs:
            self._history.add(metrics)
        member = MemberReport(
            self._member.number,
            training.epoch if training else 0,
            values={name: value for metrics in epochs for name, value in metrics.items()},
            best=best,
            history=self._history.take(),
            reason=reason,
            error=error,
            traceback=trace,
            artifacts=training.take_artifacts() if training else {},
        )
        usable = best is not None and reason in ("completed", "early_stopped", "deadline")
        due = reason is None and time.monotonic() - self._saved_at >= SAVE_SECONDS
        metric = self._objective.metric
        return to_result(Report((member,)), metric, should_checkpoint=usable or due)

    def _best(self) -> BestEpoch | None:
        best = self._training.best if self._training else None
        if best is None:
            return None
        return BestEpoch(best.epoch, best.value, best.metrics, self._best_params)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Writes the training; see `tuneyard.trainables.training.checkpoint`."""
        assert self._training is not None
        folder, params = Path(checkpoint_dir), self._member.params
        save_checkpoint(folder, self._training, params, self._best_params)
        self._history.save(folder, self._member.number)
        self._saved_at = time.monotonic()

    def load_checkpoint(self, checkpoint: dict[str, Any] | str | None) -> None:
        """Continues from a checkpoint, of this trial or, under PBT, of the one that it copies."""
        folder = Path(str(checkpoint))
        params, self._best_params = load_params(folder)
        training = self._start(params)
        try:
            load_training(folder, training)
            self._history.load(folder, self._member.number)
        except Exception:
            training.close()
            raise
        self.cleanup()
        if params != self._member.params:
            training.change(self._space.unflatten(self._member.params))
        self._training = training


@contextmanager
def _at_most(seconds: float | None) -> Iterator[None]:
    """Ends this process, with a look at what all its threads do, if the context lasts longer.

    It works in whatever library the process hangs: the timer needs no lock of the interpreter.
    """
    if seconds is None:
        yield
        return
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
