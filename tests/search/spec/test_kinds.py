"""The contract of every kind of sampler and scheduler, found from the unions."""

import inspect
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
import yaml
from ray.tune import CheckpointConfig
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.kinds import KindOptions, kinds_help, kinds_of
from tuneyard.search.spec.samplers import Sampler, SamplerOptions
from tuneyard.search.spec.schedulers import Scheduler, SchedulerOptions, SchedulerSetting
from tuneyard.search.study.sampling import build_sampler, suggest_config
from tuneyard.spaces.registry import find_description
from tuneyard.trainables.worker.assignment import BASELINE, Assignment, Member
from tuneyard.trainables.worker.wire import BEST_VALUE, EPOCH, LAST_VALUE, to_config

UNIONS: dict[str, Any] = {"sampler": Sampler, "scheduler": Scheduler}
SPACE = find_description("diabetes").space.space()

each_kind = pytest.mark.parametrize(
    ("key", "kind", "options"),
    [(key, kind, one) for key, union in UNIONS.items() for kind, one in kinds_of(union).items()],
)
each_sampler = pytest.mark.parametrize("options", kinds_of(Sampler).values())
each_scheduler = pytest.mark.parametrize("options", kinds_of(Scheduler).values())


@each_kind
def test_it_describes_itself(key: str, kind: str, options: type[KindOptions]) -> None:
    assert re.fullmatch(r"[a-z_]+", kind)
    assert options.summary
    assert "\n" not in options.summary
    documented = "".join(inspect.getdoc(one) or "" for one in options.__mro__[:-1])
    for field in set(options.model_fields) - {"kind"}:
        assert f"{field}: " in documented, f"{field} is not documented"
    assert f"{kind} ({options.summary})" in kinds_help(UNIONS[key])


@each_kind
def test_it_has_a_file_of_its_own(key: str, kind: str, options: type[KindOptions]) -> None:
    assert options.__module__ == f"tuneyard.search.spec.{key}s.{kind}"
    base = {"sampler": SamplerOptions, "scheduler": SchedulerOptions}[key]
    assert issubclass(options, base)


@each_kind
def test_it_is_a_word_or_a_mapping(key: str, kind: str, options: type[KindOptions]) -> None:
    default = options()  # type: ignore[call-arg]
    assert default.kind == kind
    for given in (kind, {"kind": kind}, default):
        spec = parse_spec({"task": "diabetes", key: given})
        assert getattr(spec, key) == default
        assert parse_spec(yaml.safe_load(spec.to_yaml())) == spec


# --- samplers


def configs(options: SamplerOptions, seed: int) -> list[dict[str, Any]]:
    """What Optuna proposes at first."""
    study = optuna.create_study(sampler=build_sampler(options, seed))
    found = []
    for number in range(6):
        trial = study.ask()
        found.append(SPACE.flatten(suggest_config(trial, SPACE)))
        study.tell(trial, float(number))
    return found


@each_sampler
def test_a_sampler_proposes_configs_by_its_seed(options: type[SamplerOptions]) -> None:
    made = options()  # type: ignore[call-arg]
    assert isinstance(build_sampler(made, 0), optuna.samplers.BaseSampler)
    first, again, other = (configs(made, seed) for seed in (3, 3, 4))
    assert first == again != other


@each_sampler
def test_a_grid_is_of_configs_of_the_space(options: type[SamplerOptions]) -> None:
    grid = options().grid(SPACE)  # type: ignore[call-arg]
    assert grid is None or isinstance(grid, Iterator)
    for config, _ in zip(grid or (), range(20), strict=False):
        assert SPACE.contains(config)


# --- schedulers


@each_scheduler
@pytest.mark.parametrize("epochs", [1, 2, 7, 30, 81, 100, 1000])
def test_milestones_are_epochs_of_the_longest_training(
    options: type[SchedulerOptions], epochs: int
) -> None:
    milestones = options().milestones(epochs)  # type: ignore[call-arg]
    assert all(1 <= epoch <= epochs for epoch in milestones)


@each_scheduler
def test_a_population_needs_all_trials(options: type[SchedulerOptions]) -> None:
    assert options.needs_all_trials or not options.population


@each_scheduler
@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_baseline_is_never_stopped(options: type[SchedulerOptions], mode: Any) -> None:
    """However poor it is beside the trials that ended before a resume."""
    curves = {number: {1: 0.1, 20: 0.1} for number in range(3)}
    setting = SchedulerSetting(mode, SPACE, 100, seed=1, curves=curves)
    scheduler = options().build(setting)  # type: ignore[call-arg]
    assert isinstance(scheduler, TrialScheduler)
    tune: Any = SimpleNamespace(search_alg=None)
    baseline: Any = FakeTrial(BASELINE)
    scheduler.on_trial_add(tune, baseline)
    poor = 100.0 if mode == "min" else -100.0
    for epoch in sorted(options().milestones(100)):  # type: ignore[call-arg]
        result = {EPOCH: epoch, BEST_VALUE: poor, LAST_VALUE: poor}
        assert scheduler.on_trial_result(tune, baseline, result) == TrialScheduler.CONTINUE


class FakeTrial:
    """What a scheduler asks of a trial."""

    status = Trial.RUNNING
    experiment_tag = ""
    run_metadata = SimpleNamespace(
        checkpoint_manager=SimpleNamespace(checkpoint_config=CheckpointConfig(num_to_keep=None))
    )

    def __init__(self, number: int) -> None:
        self.trial_id = f"id{number}"
        self.config = to_config(Assignment((Member(number, {}, {}),)))
