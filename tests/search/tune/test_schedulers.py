"""Schedulers: where they look at trials, that no trial is forgotten, and PBT's step in a space."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import Field
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from tuneyard.search.spec.schedulers import (
    ASHA,
    PBT,
    HyperBand,
    Median,
    NoScheduler,
    Scheduler,
    first_rung,
    milestones,
    pbt_interval,
)
from tuneyard.search.tune.schedulers import build_scheduler, explorer
from tuneyard.spaces import Float, Int, Range, Space
from tuneyard.spaces.fields.optimizers import LBFGS, SGD, Adam
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.registry import find_description
from tuneyard.spaces.tasks.ring_gan import RingGanSpace

ENDED = (Trial.TERMINATED, Trial.ERROR)


class FakeTrial:
    """What a scheduler asks of a trial."""

    is_saving = False

    def __init__(self, number: int, epochs: int) -> None:
        self.trial_id = str(number)
        self.status = Trial.PENDING
        self.epochs = epochs  # it ends by itself after so many
        self.epoch = 0
        self.config = {"trial": {"number": number}}
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
    built = build_scheduler(scheduler, "min", space, epochs, seed=0)
    run = FakeTune(built, trials, slots)
    run.run()
    return run, trials


@pytest.mark.parametrize(
    ("scheduler", "epochs", "expected"),
    [
        (ASHA(), 100, {20, 60}),
        (ASHA(grace=1), 81, {1, 3, 9, 27, 81}),
        (ASHA(grace=4, reduction=2), 30, {4, 8, 16}),
        (ASHA(grace=500), 30, {30}),
        (ASHA(), 1, {1}),
        (HyperBand(), 81, {1, 3, 9, 27, 81}),
        (HyperBand(), 100, {1, 3, 9, 27, 81, 11, 33, 99, 100}),
        (HyperBand(reduction=4), 30, {1, 4, 16, 7, 28, 30}),
        (HyperBand(), 1, {1}),
        (Median(), 30, {6, 12, 18, 24, 30}),
        (Median(grace=7), 30, {7, 14, 21, 28}),
        (PBT(), 100, set(range(10, 101, 10))),
        (PBT(interval=40), 100, {40, 80}),
        (PBT(), 5, {1, 2, 3, 4, 5}),
        (PBT(interval=500), 30, {30}),
        (NoScheduler(), 100, set()),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_milestones(scheduler: Scheduler, epochs: int, expected: set[int]) -> None:
    assert milestones(scheduler, epochs) == expected


@pytest.mark.parametrize("epochs", [1, 3, 9, 10, 19, 20, 100, 1000])
def test_the_first_rung_is_a_fifth_and_pbts_interval_a_tenth(epochs: int) -> None:
    assert first_rung(ASHA(), epochs) == first_rung(Median(), epochs) == max(1, epochs // 5)
    assert pbt_interval(PBT(), epochs) == max(1, epochs // 10)
    assert first_rung(ASHA(grace=7), epochs) == min(7, epochs)
    assert pbt_interval(PBT(interval=7), epochs) == min(7, epochs)


LOOKING: list[Scheduler] = [
    ASHA(),
    ASHA(grace=2, reduction=2),
    HyperBand(),
    HyperBand(reduction=2),
    HyperBand(reduction=4),
    Median(min_trials=2),
]


@pytest.mark.parametrize("scheduler", LOOKING, ids=str)
@pytest.mark.parametrize("epochs", [1, 2, 7, 30, 81, 100])
def test_tune_looks_at_the_milestones_only(scheduler: Scheduler, epochs: int) -> None:
    run, _ = tune(scheduler, epochs, [epochs] * 40, slots=3)
    if isinstance(scheduler, Median):
        assert min(run.looked, default=epochs) >= first_rung(scheduler, epochs)
    else:
        assert set(run.looked) <= milestones(scheduler, epochs)
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


# --- PBT


class PopulationSpace(TrainingSpace):
    """Numbers of a model beside those of the optimizers."""

    width: Annotated[int, Int(4, 64)] = 8
    dropout: Annotated[float, Float(0.0, 0.5)] = 0.1
    optimizer: Annotated[SGD | Adam | LBFGS, Field(discriminator="kind")] = SGD(lr=0.1)


def config(space: Space[Any], number: int = 0, **changes: Any) -> dict[str, Any]:
    """A trial's config as Tune has it, with the names of changes written with `__`."""
    params = space.flatten(space.baseline())
    params |= {path.replace("__", "."): value for path, value in changes.items()}
    return {"trial": {"number": number, "params": params}}


def steps(space: Space[Any], seed: int, resample: float, count: int) -> Iterator[dict[str, Any]]:
    """What a config becomes, step upon step."""
    explore = explorer(space, resample, random.Random(seed))
    now = config(space, number=4)
    for _ in range(count):
        now = explore(now)
        yield now


@pytest.mark.parametrize("resample", [0.0, 0.25, 1.0])
def test_pbt_moves_the_optimizers_floats_within_their_domains(resample: float) -> None:
    space = PopulationSpace.space().narrow({"optimizer.kind": "sgd"})
    before = config(space, number=4)
    seen: dict[str, set[Any]] = {}
    for now in steps(space, 0, resample, 200):
        params = now["trial"]["params"]
        space.unflatten(params)
        assert now["trial"]["number"] == 4
        assert list(params) == list(before["trial"]["params"])
        for path, value in params.items():
            seen.setdefault(path, set()).add(value)
    changed = {path for path, values in seen.items() if len(values) > 1}
    assert changed <= {"optimizer.sgd.lr", "optimizer.sgd.momentum"}
    assert "optimizer.sgd.lr" in changed
    assert len(seen["optimizer.sgd.lr"]) > 20
    if resample == 0:  # 0.0 times anything stays 0.0
        assert seen["optimizer.sgd.momentum"] == {0.0}


def test_pbt_moves_both_optimizers_of_a_gan() -> None:
    space = RingGanSpace.space()
    before = config(space)["trial"]["params"]
    changed = set()
    for now in steps(space, 0, 0.25, 50):
        params = now["trial"]["params"]
        changed |= {path for path, value in params.items() if value != before[path]}
    assert changed == {
        f"{optimizer}.adam.{number}"
        for optimizer in ("optimizer", "discriminator_optimizer")
        for number in ("lr", "beta1")
    }


def test_pbt_multiplies_by_four_fifths_or_six_fifths() -> None:
    space = PopulationSpace.space()
    explore = explorer(space, 0.0, random.Random(0))
    rates = {explore(config(space))["trial"]["params"]["optimizer.sgd.lr"] for _ in range(50)}
    assert sorted(rates) == pytest.approx([0.08, 0.12])


def test_pbt_stays_in_a_narrowed_space() -> None:
    low, high = 0.09, 0.11
    space = PopulationSpace.space().narrow({"optimizer.sgd.lr": f"{low}"})
    for now in steps(space, 0, 0.5, 20):
        assert now["trial"]["params"]["optimizer.sgd.lr"] == low
    space = PopulationSpace.space().narrow({"optimizer.sgd.lr": Range(low, high)})
    rates = [now["trial"]["params"]["optimizer.sgd.lr"] for now in steps(space, 0, 0.5, 50)]
    assert min(rates) >= low
    assert max(rates) <= high


def test_pbt_leaves_the_copied_config_alone() -> None:
    space = PopulationSpace.space()
    before = config(space)
    explorer(space, 1.0, random.Random(0))(before)
    assert before == config(space)


def test_pbt_does_not_touch_whole_numbers() -> None:
    space = PopulationSpace.space().narrow({"optimizer.kind": "lbfgs"})
    for now in steps(space, 0, 0.5, 50):
        params = now["trial"]["params"]
        assert (params["optimizer.lbfgs.max_iter"], params["width"]) == (20, 8)


def test_pbt_is_the_same_by_its_seed() -> None:
    space = PopulationSpace.space()
    first, again, other = (list(steps(space, seed, 0.5, 20)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_pbt_does_not_depend_on_the_process() -> None:
    """The order of a set of texts changes from process to process; that of the space does not."""
    space = PopulationSpace.space()
    paths = ["optimizer.sgd.lr", "optimizer.sgd.momentum"]
    draws = random.Random(7)
    expected = []
    for path in paths:
        draws.random()
        leaf = next(leaf for leaf in space.leaves if leaf.path == path)
        expected.append(draws.choice(list(leaf.domain.grid(100))))
    shuffled = config(space)
    shuffled["trial"]["params"] = dict(reversed(shuffled["trial"]["params"].items()))
    for given in (config(space), shuffled):
        params = explorer(space, 1.0, random.Random(7))(given)["trial"]["params"]
        assert [params[path] for path in paths] == expected
