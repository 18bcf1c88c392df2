"""What several of Ray Tune's schedulers need beside their own rule."""

from __future__ import annotations

from typing import Any  # Ray Tune's results and keyword arguments are dictionaries of anything

from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from tuneyard.search.spec.schedulers.base import SchedulerSetting
from tuneyard.trainables.worker.assignment import BASELINE
from tuneyard.trainables.worker.wire import BEST_VALUE, EPOCH, assignment_of


def by_best_value(setting: SchedulerSetting) -> dict[str, Any]:
    """Arguments of a scheduler that compares trials by their best values so far, epoch by epoch."""
    return {"time_attr": EPOCH, "metric": BEST_VALUE, "mode": setting.mode}


class SparesBaseline(TrialScheduler):
    """Lets the baseline train to its own end: what is compared with it must be its full value."""

    def on_trial_result(
        self, tune_controller: TuneController, trial: Trial, result: dict[str, Any]
    ) -> str:
        """The decision of the scheduler; of the baseline, always to continue."""
        if assignment_of(trial.config).single.number == BASELINE:
            return TrialScheduler.CONTINUE
        return super().on_trial_result(tune_controller, trial, result)


class LetsActorsStart(TrialScheduler):
    """Leaves it to Tune to start new trials, in the order in which they came.

    Ray's schedulers choose the first that waits, though its actor be starting: it gets the actor of
    a trial that has just ended, and its own is killed. Where some trial ends before a new actor has
    started, which takes seconds, a node that joins would never be used.
    """

    def choose_trial_to_run(self, tune_controller: TuneController) -> Trial | None:
        """The paused trial that the scheduler continues; None leaves the choice to Tune."""
        chosen = super().choose_trial_to_run(tune_controller)
        return chosen if chosen is not None and chosen.status == Trial.PAUSED else None
