"""The study: what every sampler must do, what Optuna is told, and what the mirror holds of it."""

import math
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from pydantic import Field

from tuneyard.search.spec.samplers import GP, TPE, CmaEs, Grid, QuasiRandom, Random, Sampler
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.storage.trial_files import TrialFiles
from tuneyard.search.study.study import Study
from tuneyard.search.trials.record import Params, State, TrialRecord
from tuneyard.spaces import Float, Int, Length, Space
from tuneyard.spaces.fields.optimizers import SGD, Adam
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.objective import Objective
from tuneyard.spaces.registry import find_description

LOSS = Objective("val_loss", "min")


class TinySpace(TrainingSpace):
    """Every kind of dimension, with steps that do not divide their range."""

    x: Annotated[float, Float(-1.0, 1.0)] = 0.5
    fine: Annotated[float, Float(0.0, 1.0, step=0.3)] = 0.3
    n: Annotated[int, Int(1, 10, step=4)] = 5
    sizes: Annotated[tuple[Annotated[int, Int(2, 64, log=True)], ...], Length(0, 2)] = (4,)
    word: Literal["a", "b", 3, None] = "b"
    optimizer: Annotated[SGD | Adam, Field(discriminator="kind")] = Adam(lr=0.01)


SPACES: dict[str, Space[Any]] = {
    "tiny": TinySpace.space(),
    "tiny, one number": TinySpace.space().narrow(
        {
            leaf.path: leaf.baseline
            for leaf in TinySpace.space().leaves
            if leaf.path in ("n", "fine")
        }
        | {"optimizer.kind": "sgd", "sizes.length": 0, "word": ["a", "b"], "l1": None}
    ),
    "diabetes": find_description("diabetes").space.space(),
    "diabetes, narrowed": find_description("diabetes")
    .space.space()
    .narrow({"optimizer.kind": ["sgd", "adam"], "schedule.kind": "constant", "l1": "none"}),
    "names-gru": find_description("names-gru").space.space(),
}
# a GP takes half a second a fit: so few asks that it fits once
SAMPLERS: list[tuple[Sampler, int]] = [
    (TPE(startup_trials=5), 25),
    (Random(), 25),
    (QuasiRandom(), 25),
    (CmaEs(), 25),
    (GP(startup_trials=14), 15),
    (Grid(points=2), 25),
]
each_sampler = pytest.mark.parametrize(
    ("sampler", "asks"), SAMPLERS, ids=[sampler.kind for sampler, _ in SAMPLERS]
)

MakeStudy = Callable[..., Study]


@pytest.fixture
def make_study(tmp_path: Path) -> MakeStudy:
    def make(space: Space[Any], sampler: Sampler, seed: int = 0, mode: str = "min") -> Study:
        folder = SearchFolder(tmp_path, str(len(list(tmp_path.iterdir()))))
        folder.make()
        objective = Objective("val_loss", mode)  # type: ignore[arg-type]
        files = TrialFiles(folder)
        return Study(space, objective, sampler, folder, files, seed=seed, name="s")

    return make


def end(
    study: Study,
    asked: tuple[int, Params],
    value: float | None,
    state: State = "completed",
    reason: str = "",
) -> None:
    """Tells the study of a trial that reported twice and ended."""
    record = TrialRecord(*asked, current=asked[1])
    study.started(record)
    if value is not None:
        for epoch, reported in ((1, value + 1), (3, value)):
            record.epoch, record.value = epoch, reported
            study.progressed(record, {"val_loss": [reported]})
    record.state, record.reason = state, reason or state
    study.ended(record)


def badness(params: Params) -> float:
    """Some value for any config, the same each time."""
    numbers = [value for value in params.values() if isinstance(value, float)]
    return math.fsum(math.sin(7 * number) for number in numbers)


def run(study: Study, asks: int) -> list[Params]:
    """Asks and tells, and gives back what was proposed."""
    proposed = []
    for _ in range(asks):
        asked = study.ask()
        if asked is None:
            break
        proposed.append(asked[1])
        end(study, asked, badness(asked[1]))
    return proposed


def mirror(tmp_path: Path) -> optuna.Study:
    """The first study's mirror, read as any Optuna tool reads it."""
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "0/study.journal")))
    return optuna.load_study(study_name="s", storage=storage)


def numbers_in(tmp_path: Path, count: int) -> list[int]:
    """The numbers of the mirror's trials, as soon as there are so many."""
    until = time.monotonic() + 20
    while len(trials := mirror(tmp_path).trials) < count:
        assert time.monotonic() < until, f"{len(trials)} of {count} trials are mirrored"
        time.sleep(0.02)
    return [trial.user_attrs["number"] for trial in trials]


@each_sampler
@pytest.mark.parametrize("name", SPACES)
def test_every_sampler_stays_in_the_space(
    make_study: MakeStudy, name: str, sampler: Sampler, asks: int
) -> None:
    space = SPACES[name]
    if isinstance(sampler, GP):
        sampler = GP(startup_trials=7)  # it counts what is completed alone: twice a fit
    study = make_study(space, sampler)
    for number in range(asks):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            asked = study.ask()
        assert asked is not None
        assert asked[0] == number
        config = space.unflatten(asked[1])
        assert space.flatten(config) == asked[1]
        if number == 0:
            assert config == space.baseline()
        # some fail, some are pruned: no sampler may stumble over that
        turn = number % 5 if number < 10 else 0
        state: State = ("completed", "completed", "pruned", "diverged", "pruned")[turn]
        end(study, asked, None if turn > 2 else badness(asked[1]), state)


@each_sampler
def test_the_same_seed_proposes_the_same(
    make_study: MakeStudy, sampler: Sampler, asks: int
) -> None:
    space = SPACES["tiny"]
    first, again = (run(make_study(space, sampler, 3), asks) for _ in range(2))
    assert first == again
    other = run(make_study(space, sampler, 4), 4)
    assert (other == first[:4]) is isinstance(sampler, Grid)


@each_sampler
def test_trials_may_run_side_by_side(make_study: MakeStudy, sampler: Sampler, asks: int) -> None:
    study = make_study(SPACES["tiny"], sampler)
    for _ in range(3):
        asked = [study.ask() for _ in range(5)]
        numbers = [one[0] for one in asked if one is not None]
        assert numbers == list(range(numbers[0], numbers[0] + 5))
        for one in reversed(asked):
            assert one is not None
            end(study, one, badness(one[1]))
    told = study._study.trials
    assert [trial.state for trial in told] == [TrialState.COMPLETE] * 15
    assert [trial.user_attrs["number"] for trial in told] == list(range(15))


ENDS: list[tuple[State, float | None, str, TrialState]] = [
    ("completed", 0.5, "completed", TrialState.COMPLETE),
    ("early_stopped", 0.4, "early_stopped", TrialState.COMPLETE),
    ("pruned", 0.7, "scheduler", TrialState.PRUNED),
    ("pruned", 0.6, "deadline", TrialState.PRUNED),
    ("pruned", None, "interrupt", TrialState.PRUNED),
    ("diverged", 0.3, "diverged", TrialState.FAIL),
    ("diverged", None, "diverged", TrialState.FAIL),
    ("out_of_memory", None, "OutOfMemoryError: 3 GiB", TrialState.FAIL),
    ("failed", None, "ValueError: no\nsuch thing", TrialState.FAIL),
]


def test_each_end_is_told_and_mirrored(make_study: MakeStudy, tmp_path: Path) -> None:
    study = make_study(SPACES["tiny"], Random())
    for state, value, reason, _ in ENDS:
        asked = study.ask()
        assert asked is not None
        end(study, asked, value, state, reason)
    assert study.close(10) == 0
    trials = mirror(tmp_path).trials
    assert len(trials) == len(ENDS)
    for number, (trial, (state, value, reason, expected)) in enumerate(
        zip(trials, ENDS, strict=True)
    ):
        assert trial.state == expected
        kept = {name: trial.user_attrs[name] for name in ("number", "state", "reason", "value")}
        assert kept == {"number": number, "state": state, "reason": reason, "value": value}
        reported = {} if value is None else {1: value + 1, 3: value}
        assert trial.intermediate_values == reported
        # Optuna itself takes a pruned trial's last report for its value
        assert trial.value == (None if expected == TrialState.FAIL else value)


def test_a_pruned_trial_is_never_the_best(make_study: MakeStudy, tmp_path: Path) -> None:
    study = make_study(SPACES["tiny"], Random())
    for value, state in ((0.9, "completed"), (0.1, "pruned"), (0.8, "early_stopped")):
        asked = study.ask()
        assert asked is not None
        end(study, asked, value, state)  # type: ignore[arg-type]
    assert study.close(10) == 0
    assert mirror(tmp_path).best_value == 0.8


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_mirror_holds_the_direction(
    make_study: MakeStudy, tmp_path: Path, mode: Literal["min", "max"]
) -> None:
    told = make_study(SPACES["tiny"], Random(), mode=mode)
    run(told, 6)
    assert told.close(10) == 0
    study = mirror(tmp_path)
    assert study.direction.name == f"{mode}imize".upper()
    best = min if mode == "min" else max
    assert study.best_value == best(trial.value for trial in study.trials if trial.value)


@each_sampler
def test_the_mirror_is_the_study(
    make_study: MakeStudy, tmp_path: Path, sampler: Sampler, asks: int
) -> None:
    space = SPACES["tiny"]
    study = make_study(space, sampler)
    proposed = run(study, asks)
    assert study.close(10) == 0
    told, mirrored = study._study.trials, mirror(tmp_path).trials
    assert len(told) == len(mirrored) == len(proposed) == asks
    searched = {leaf.path for leaf in space.dimensions()}
    for one, copy, params in zip(told, mirrored, proposed, strict=True):
        assert copy.params == {path: params[path] for path in params if path in searched}
        for name in ("params", "distributions", "intermediate_values", "user_attrs", "values"):
            assert getattr(copy, name) == getattr(one, name)
        for name in ("state", "number", "datetime_start", "datetime_complete"):
            assert getattr(copy, name) == getattr(one, name)


def test_what_is_not_told_yet_is_not_mirrored(make_study: MakeStudy, tmp_path: Path) -> None:
    study = make_study(SPACES["tiny"], Random())
    first, second = study.ask(), study.ask()
    assert first is not None
    assert second is not None
    end(study, second, 0.5)
    assert numbers_in(tmp_path, 1) == [1]
    end(study, first, 0.4)
    assert numbers_in(tmp_path, 2) == [1, 0]


@pytest.mark.parametrize(
    "restrictions",
    [
        {"word": ["a", "b"], "sizes.length": 1, "n": 5, "fine": 0.3},
        {"word": "a", "sizes.length": 0, "n": 9, "x": 0.25, "fine": 0.0},
    ],
    ids=["baseline inside", "baseline moved"],
)
def test_a_grid_ends(make_study: MakeStudy, restrictions: dict[str, Any]) -> None:
    narrow = {"optimizer.kind": "sgd", "schedule.kind": "constant", "l1": None, "clip_norm": None}
    narrow |= {"optimizer.sgd.weight_decay": None, "optimizer.sgd.lr": 0.01}
    space = TinySpace.space().narrow(narrow | restrictions)
    proposed = run(make_study(space, Grid(points=3)), 10_000)
    assert space.unflatten(proposed[0]) == space.baseline()
    seen = {repr(sorted(params.items())) for params in proposed}
    assert len(seen) == len(proposed)
    grid = {repr(sorted(space.flatten(config).items())) for config in space.grid(3)}
    assert seen == grid | {repr(sorted(proposed[0].items()))}


def test_a_grid_of_one_config_is_the_baseline(make_study: MakeStudy) -> None:
    space = TinySpace.space()
    fixed = {leaf.path: leaf.baseline for leaf in space.leaves if not leaf.conditions}
    kept = space.narrow(fixed | {f"optimizer.adam.{name}": value for name, value in ADAM.items()})
    only = kept.narrow({"sizes.0": 4})
    assert not only.dimensions()
    assert run(make_study(only, Grid()), 5) == [only.flatten(only.baseline())]


ADAM = {"lr": 0.01, "beta1": 0.9, "weight_decay": "none"}


class Bowl(TrainingSpace):
    """A quadratic in four numbers."""

    a: Annotated[float, Float(-1.0, 1.0)] = 1.0
    b: Annotated[float, Float(-1.0, 1.0)] = 1.0
    c: Annotated[float, Float(1e-4, 1.0, log=True)] = 1.0
    d: Annotated[int, Int(0, 100)] = 100


def bowl(params: Params) -> float:
    a, b, c, d = (float(params[name] or 0) for name in "abcd")
    return (a - 0.3) ** 2 + (b + 0.4) ** 2 + (math.log10(c) / 4 + 0.5) ** 2 + (d / 100 - 0.6) ** 2


def test_tpe_beats_random(make_study: MakeStudy) -> None:
    plain = {"optimizer.kind": "sgd", "schedule.kind": "constant", "l1": None, "clip_norm": None}
    space = Bowl.space().narrow(plain | {"optimizer.sgd.weight_decay": None})

    def best(sampler: Sampler, seed: int) -> float:
        study, found = make_study(space, sampler, seed), math.inf
        for _ in range(50):
            asked = study.ask()
            assert asked is not None
            value = bowl(asked[1])
            end(study, asked, value)
            found = min(found, value)
        return found

    tpe = statistics.median(best(TPE(), seed) for seed in range(5))
    random = statistics.median(best(Random(), seed) for seed in range(5))
    assert tpe < 0.6 * random, f"TPE {tpe:.4f}, random {random:.4f}"
