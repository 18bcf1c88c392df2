"""Schedulers: what they decide, that the baseline is spared, and that no trial is forgotten."""

import random
from collections import Counter
from typing import Any

import pytest
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from tuneyard.search.spec.schedulers import (
    ASHA,
    HyperBand,
    Median,
    NoScheduler,
    Scheduler,
    SchedulerSetting,
)
from tuneyard.spaces.registry import find_description
from tuneyard.trainables.worker.assignment import Assignment, Member
from tuneyard.trainables.worker.wire import to_config

ENDED = (Trial.TERMINATED, Trial.ERROR)


class FakeTrial:
    """What a scheduler asks of a trial."""

    is_saving = False

    def __init__(self, number: int, epochs: int) -> None:
        self.trial_id = str(number)
        self.status = Trial.PENDING
        self.epochs = epochs  # it ends by itself after so many
        self.epoch = 0
        self.config = to_config(Assignment((Member(number, {}, {}),)))
        self.objective = number * 7 % 11 + number / 100 + 20 * (number == 0)

    def is_finished(self) -> bool:
        return self.status in ENDED


class FakeTune:
    """Runs trials an epoch at a time with a real scheduler, as Tune's controller would.

    Attributes:
        looked: Epochs at which the scheduler did something other than let a trial go on.
    """

    def __init__(self, scheduler: TrialScheduler, trials: list[FakeTrial], slots: int) -> None:
        self.scheduler, self.trials, self.slots = scheduler, trials, slots
        self.looked: list[int] = []
        self.search_alg = None

    def get_trials(self) -> list[FakeTrial]:
        return self.trials

    def get_live_trials(self) -> list[FakeTrial]:
        return [trial for trial in self.trials if trial.status not in ENDED]

    def stop_trial(self, trial: FakeTrial) -> None:
        if trial.status == Trial.RUNNING:
            self.scheduler.on_trial_complete(self, trial, self._result(trial))
        else:
            self.scheduler.on_trial_remove(self, trial)
        trial.status = Trial.TERMINATED

    def _result(self, trial: FakeTrial) -> dict[str, Any]:
        # better with every epoch, so that the order of trials stays
        objective = trial.objective + 1 / max(1, trial.epoch)
        return {"epoch": trial.epoch, "objective": objective, "current": objective}

    def run(self) -> None:
        for trial in self.trials:
            self.scheduler.on_trial_add(self, trial)
        while live := self.get_live_trials():
            running = [trial for trial in live if trial.status == Trial.RUNNING]
            while len(running) < self.slots:
                waiting = [one for one in live if one.status == Trial.PENDING]
                # Tune starts what waits where the scheduler has no choice of its own
                trial = self.scheduler.choose_trial_to_run(self) or next(iter(waiting), None)
                if trial is None:
                    break
                trial.status = Trial.RUNNING
                running.append(trial)
            assert running, f"nothing runs any more: {Counter(trial.status for trial in live)}"
            for trial in running:
                if trial.status == Trial.RUNNING:
                    self._step(trial)

    def _step(self, trial: FakeTrial) -> None:
        trial.epoch += 1
        if trial.epoch == trial.epochs:
            self.stop_trial(trial)
            return
        action = self.scheduler.on_trial_result(self, trial, self._result(trial))
        if action != TrialScheduler.CONTINUE:
            self.looked.append(trial.epoch)
        if action == TrialScheduler.STOP:
            self.stop_trial(trial)
        elif action == TrialScheduler.PAUSE:
            trial.status = Trial.PAUSED


def tune(
    scheduler: Scheduler, epochs: int, own_ends: list[int], slots: int = 2
) -> tuple[FakeTune, list[FakeTrial]]:
    """Runs trials that end by themselves after some epochs each."""
    space = find_description("diabetes").space.space()
    trials = [FakeTrial(number, own) for number, own in enumerate(own_ends)]
    built = scheduler.build(SchedulerSetting("min", space, epochs))
    run = FakeTune(built, trials, slots)
    run.run()
    return run, trials


LOOKING: list[Scheduler] = [
    ASHA(),
    ASHA(grace_period=2, reduction_factor=2),
    HyperBand(),
    HyperBand(reduction_factor=2),
    HyperBand(reduction_factor=4),
    Median(min_trials=2),
]


@pytest.mark.parametrize("scheduler", LOOKING, ids=str)
@pytest.mark.parametrize("epochs", [1, 2, 7, 30, 81, 100])
def test_tune_looks_at_the_milestones_only(scheduler: Scheduler, epochs: int) -> None:
    run, _ = tune(scheduler, epochs, [epochs] * 40, slots=3)
    if isinstance(scheduler, Median):
        assert min(run.looked, default=epochs) >= scheduler.first_rung(epochs)
    else:
        assert set(run.looked) <= scheduler.milestones(epochs)
    if epochs >= 7:
        assert run.looked


@pytest.mark.parametrize("scheduler", [*LOOKING, NoScheduler()], ids=str)
@pytest.mark.parametrize("epochs", [1, 30, 100])
def test_some_trials_train_to_their_end(scheduler: Scheduler, epochs: int) -> None:
    for count in (1, 5, 40):
        _, trials = tune(scheduler, epochs, [epochs] * count)
        done = [trial for trial in trials if trial.epoch == epochs]
        assert done
        best = min(trials, key=lambda trial: trial.objective)
        if not isinstance(scheduler, ASHA | Median):  # they judge by those that came before
            assert best.epoch == epochs


@pytest.mark.parametrize("scheduler", [*LOOKING, NoScheduler()], ids=str)
@pytest.mark.parametrize("own_end", [100, 30])
def test_the_baseline_trains_to_its_own_end(scheduler: Scheduler, own_end: int) -> None:
    _, trials = tune(scheduler, 100, [own_end, *[100] * 30], slots=3)
    assert trials[0].objective == max(trial.objective for trial in trials)
    assert trials[0].epoch == own_end


@pytest.mark.parametrize("scheduler", [*LOOKING, NoScheduler()], ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_trials_that_end_early_leave_nobody_waiting(scheduler: Scheduler, seed: int) -> None:
    rng = random.Random(seed)
    own_ends = [rng.choice([1, 2, 5, 20, 33, 50, 100]) for _ in range(30)]
    _, trials = tune(scheduler, 100, own_ends, slots=3)
    assert all(trial.status == Trial.TERMINATED for trial in trials)
