"""The one door in: what a spec takes, what it refuses and how, and its YAML."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneyard.search.errors import SearchError
from tuneyard.search.spec.files import parse_spec, read_spec
from tuneyard.search.spec.names import NAME
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.spec.samplers import GP, TPE, CmaEs, Grid, QuasiRandom, Random
from tuneyard.search.spec.schedulers import ASHA, PBT, HyperBand, Median, NoScheduler
from tuneyard.search.spec.search import SearchSpec
from tuneyard.spaces import Range

LR = "optimizer.sgd.lr"


def refusal(**values: Any) -> str:
    """The one line with which a spec is refused."""
    with pytest.raises(SearchError) as refused:
        parse_spec({"task": "diabetes"} | values)
    (line,) = str(refused.value).splitlines()
    return line


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"task": "diabets"}, "there is no task 'diabets'; did you mean diabetes?"),
    ({"task": "x"}, "there is no task 'x'; known: airplane-lstm,"),
    ({"task": 5}, "task should be a valid string, got 5"),
    ({"name": "a/b"}, "name must be letters, digits, dot, dash and underscore, at most 100,"),
    ({"name": "../up"}, "without a path, got '../up'"),
    ({"name": ".."}, "without a path, got '..'"),
    ({"name": "line\n"}, "without a path, got 'line\\n'"),
    ({"name": ""}, "without a path, got ''"),
    ({"name": "x" * 101}, "at most 100, without a path, got 'xxx"),
    ({"name": 7}, "name should be a valid string, got 7"),
    ({"data": "digits"}, "diabetes has one data set: leave data out, got 'digits'"),
    ({"task": "mnist-mlp", "data": "cifar"}, "data must be one of mnist, fashion-mnist, kmnist, d"),
    ({"trials": 0}, "trials should be greater than or equal to 1, got 0"),
    ({"trials": "many"}, "trials should be a valid integer"),
    ({"trials": 2.5}, "trials should be a valid integer"),
    ({"trials": 10**12}, "trials should be less than or equal to 1000000, got 1000000000000"),
    ({"trials": 10_001, "scheduler": "pbt"}, "trials must be at most 10000 with scheduler pbt,"),
    ({"trials": 10_001, "scheduler": "hyperband"}, "which needs them all at a time, got 10001;"),
    ({"time": "100000d"}, "time should be less than or equal to 1000000000, got '100000d'"),
    ({"time": 0}, "time should be greater than 0, got 0"),
    ({"time": "0s"}, "time should be greater than 0, got '0s'"),
    ({"time": "-5s"}, "time must be seconds, or a time like 90s, 20m or 1h30m, got '-5s'"),
    ({"time": "20 minutes"}, "time must be seconds, or a time like 90s, 20m or 1h30m, got '20 m"),
    ({"time": "inf"}, "time should be a finite number, got inf"),
    ({"time": [1]}, "time should be a valid number, got [1]"),
    ({"target": "high"}, "target should be a valid number"),
    ({"target": float("nan")}, "target should be a finite number, got nan"),
    ({"sampler": "tpee"}, "sampler tag 'tpee' found using 'kind' does not match"),
    ({"sampler": "tpee"}, "'tpe', 'random', 'quasi_random', 'cma_es', 'gp', 'grid', got"),
    ({"sampler": {}}, "sampler unable to extract tag using discriminator 'kind', got {}"),
    ({"sampler": 5}, "sampler should be a valid dictionary or object"),
    ({"sampler": {"kind": "tpe", "startup": 3}}, "sampler.tpe.startup extra inputs are not"),
    ({"sampler": {"kind": "gp", "startup_trials": 0}}, "sampler.gp.startup_trials should be gre"),
    ({"sampler": {"kind": "grid", "points": 1}}, "sampler.grid.points should be greater than"),
    ({"scheduler": "asa"}, "'asha', 'hyperband', 'median', 'pbt', 'none', got"),
    (
        {"scheduler": {"kind": "asha", "reduction_factor": 1}},
        "scheduler.asha.reduction_factor should",
    ),
    ({"scheduler": {"kind": "pbt", "quantile": 0.6}}, "scheduler.pbt.quantile should be less"),
    ({"folds": 0}, "folds should be greater than or equal to 1, got 0"),
    ({"folds": 10**12}, "folds should be less than or equal to 1000, got 1000000000000"),
    ({"seed": -1}, "seed should be greater than or equal to 0, got -1"),
    ({"seed": 2**32}, "seed should be less than 4294967296, got 4294967296"),
    ({"cpus_per_trial": 0}, "cpus_per_trial should be greater than or equal to 0.01, got 0"),
    ({"cpus_per_trial": float("inf")}, "cpus_per_trial should be a finite number, got inf"),
    ({"cpus_per_trial": 0.001}, "cpus_per_trial should be greater than or equal to 0.01, got"),
    ({"gpus_per_trial": 1e-5}, "gpus_per_trial must be 0, or at least 0.0001, got 1e-05"),
    ({"gpus_per_trial": -1}, "gpus_per_trial must be auto, or a number of at least 0, got -1"),
    ({"gpus_per_trial": "all"}, "gpus_per_trial must be auto, or a number of at least 0, got 'al"),
    ({"gpus_per_trial": 1.5}, "gpus_per_trial must be a whole number above 1, got 1.5"),
    ({"resources_per_trial": {"tpu": 0}}, "resources_per_trial.tpu should be gre"),
    ({"resources_per_trial": {"GPU": 1}}, "custom resources; give GPU as gpus_per_trial"),
    (
        {"max_concurrent_trials": 0},
        "max_concurrent_trials should be greater than or equal to 1, got 0",
    ),
    ({"max_concurrent_trials": 10**6}, "max_concurrent_trials should be less than or equal to"),
    ({"keep_checkpoints": 10**6}, "keep_checkpoints should be less than or equal to 10000, got"),
    ({"keep_checkpoints": 0}, "keep_checkpoints should be greater than or equal to 1, got 0"),
    ({"trails": 5}, "'trails' is not a key of a search; did you mean trials"),
    ({"zzzzz": 5}, "'zzzzz' is not a key of a search; known: cpus_per_trial, data,"),
    ({"space": "lr"}, "space must map dotted paths to values, got 'lr'"),
    ({"space": [LR]}, "space must map dotted paths to values, got ['optimizer.sgd.lr']"),
    ({"space": {"optimizer.sgd.rl": 1}}, "optimizer.sgd.rl is not in DiabetesSpace; did you mean"),
    ({"space": {LR: 3}}, "optimizer.sgd.lr must be in [0.0001, 1.0] log, got 3"),
    ({"space": {LR: float("nan")}}, "optimizer.sgd.lr must be in [0.0001, 1.0] log, got nan"),
    ({"space": {LR: [0.1, 0.2]}}, "optimizer.sgd.lr is a number, so it takes one value or a ra"),
    ({"space": {LR: {"low": 0.1}}}, f"space.{LR}.range.high field required, got"),
    ({"space": {LR: {"low": 0.1, "high": 0.2, "lgo": 1}}}, f"space.{LR}.range.lgo unexpected"),
    ({"space": {LR: {"low": "a", "high": 1}}}, f"space.{LR}.range.low should be a valid number"),
    ({"space": {LR: {"low": 0.2, "high": 0.1}}}, "optimizer.sgd.lr Float low must be below high"),
    ({"space": {"activation": [["relu"]]}}, "space.activation must be one value, a list of valu"),
    ({"space": {"activation": []}}, "activation needs at least one of relu, leaky_relu,"),
    ({"space": {"activation": "rellu"}}, "activation must be one of relu, leaky_relu,"),
    ({"space": {"epochs": 0}}, "epochs must be at least 1, got 0"),
    ({"space": {"epochs": 10**10}}, "epochs must be at most 1000000000, got 10000000000"),
    ({"space": {"epochs": "9" * 4000}}, "epochs must be at most 1000000000, got 999"),
    (
        {"space": {"epochs": 10**9}, "scheduler": {"kind": "median", "grace_period": 1}},
        "would look 1000000000 times at a training of 1000000000, and at most 100000 are taken;",
    ),
    (
        {"space": {"epochs": 10**9}, "scheduler": {"kind": "pbt", "interval": 1}},
        "a scheduler that looks every 1 epochs would look 1000000000 times",
    ),
    ({"sampler": {"kind": "grid", "points": 10**9}}, "sampler.grid.points should be less than"),
    ({"space": {"epochs": "many"}}, "epochs should be a valid integer"),
    ({"space": {"optimizer.kind": "adam", LR: 0.1}}, "is never used where optimizer.kind is ad"),
]


@pytest.mark.parametrize(("values", "line"), WRONG, ids=str)
def test_a_wrong_value_costs_one_line(values: dict[str, Any], line: str) -> None:
    said = refusal(**values)
    assert line in said
    assert len(said) < 450


def test_a_spec_needs_a_task() -> None:
    with pytest.raises(SearchError, match=r"^task field required"):
        parse_spec({"trials": 3})


@pytest.mark.parametrize("field", SearchSpec.model_fields)
def test_every_field_refuses_what_is_no_value_at_all(field: str) -> None:
    assert refusal(**{field: object()}).startswith(field)


@pytest.mark.parametrize("name", ["a", "My-search_2.1", "0", "x" * 100])
def test_names_that_are_fine(name: str) -> None:
    assert parse_spec({"task": "diabetes", "name": name}).name == name


@pytest.mark.parametrize("gpus", [0, 0.25, 1, 2, 8.0, "auto"])
def test_gpus_are_a_share_or_whole_or_measured(gpus: float | str) -> None:
    assert parse_spec({"task": "diabetes", "gpus_per_trial": gpus}).gpus_per_trial == gpus


@pytest.mark.parametrize(
    "sampler", [TPE(), Random(), QuasiRandom(), CmaEs(), GP(), Grid()], ids=lambda one: one.kind
)
def test_a_sampler_is_a_word_or_a_mapping(sampler: Any) -> None:
    for given_as in (sampler.kind, {"kind": sampler.kind}, sampler):
        assert parse_spec({"task": "diabetes", "sampler": given_as}).sampler == sampler


@pytest.mark.parametrize(
    "scheduler",
    [ASHA(), HyperBand(), Median(), PBT(), NoScheduler()],
    ids=lambda one: one.kind,
)
def test_a_scheduler_is_a_word_or_a_mapping(scheduler: Any) -> None:
    for given_as in (scheduler.kind, {"kind": scheduler.kind}, scheduler):
        assert parse_spec({"task": "diabetes", "scheduler": given_as}).scheduler == scheduler


def test_options_of_samplers_and_schedulers_arrive() -> None:
    spec = parse_spec(
        {
            "task": "diabetes",
            "sampler": {"kind": "grid", "points": 5},
            "scheduler": {"kind": "asha", "grace_period": 7, "reduction_factor": 4},
        }
    )
    assert (spec.sampler, spec.scheduler) == (
        Grid(points=5),
        ASHA(grace_period=7, reduction_factor=4),
    )


@pytest.mark.parametrize(
    ("space", "path", "domain"),
    [
        ({LR: {"low": 0.01, "high": 0.1}}, LR, "[0.01, 0.1] log"),
        ({LR: {"low": "1e-2", "high": "1e-1", "log": False}}, LR, "[0.01, 0.1]"),
        ({LR: Range(0.01, 0.1)}, LR, "[0.01, 0.1] log"),
        ({LR: "3e-2"}, LR, "0.03"),
        ({"hidden_sizes.length": {"low": 1, "high": 2}}, "hidden_sizes.length", "[1, 2]"),
        ({"activation": ["relu", "tanh"]}, "activation", "relu, tanh"),
        ({"activation": ("relu", "tanh")}, "activation", "relu, tanh"),
        ({"batch_norm": "true"}, "batch_norm", "true"),
        ({"l1": None}, "l1.on", "false"),
        ({"epochs": "12"}, "epochs", "12"),
    ],
)
def test_the_space_is_narrowed(space: dict[str, Any], path: str, domain: str) -> None:
    spec = parse_spec({"task": "diabetes", "space": space})
    found = {leaf.path: leaf.domain.describe() for leaf in spec.narrowed().leaves}
    assert found[path] == domain


def test_restrictions_win_over_the_file() -> None:
    spec = parse_spec({"task": "diabetes", "space": {LR: 0.5, "epochs": 7}}, {LR: Range(0.01, 0.1)})
    assert spec.space == {LR: Range(0.01, 0.1), "epochs": 7}
    assert ResolvedSpec.of(spec).max_epochs == 7


def test_the_choice_of_data_is_kept() -> None:
    spec = parse_spec({"task": "mnist-mlp", "data": "digits"})
    assert spec.data == "digits"
    assert yaml.safe_load(spec.to_yaml()) == {"task": "mnist-mlp", "data": "digits"}
    assert parse_spec({"task": "mnist-mlp"}).data is None


# --- YAML


SAMPLERS = st.one_of(
    st.builds(TPE, startup_trials=st.integers(1, 30)),
    st.builds(GP, startup_trials=st.integers(1, 30)),
    st.builds(Grid, points=st.integers(2, 9)),
    st.sampled_from([TPE(), Random(), QuasiRandom(), CmaEs(), GP(), Grid()]),
)
SCHEDULERS = st.one_of(
    st.builds(
        ASHA, grace_period=st.none() | st.integers(1, 50), reduction_factor=st.integers(2, 5)
    ),
    st.builds(HyperBand, reduction_factor=st.integers(2, 5)),
    st.builds(Median, grace_period=st.none() | st.integers(1, 50), min_trials=st.integers(1, 9)),
    st.builds(PBT, interval=st.none() | st.integers(1, 50), resample=st.floats(0, 1)),
    st.just(NoScheduler()),
)
RATES = st.floats(1e-4, 1.0)
SPACES = st.fixed_dictionaries(
    {},
    optional={
        LR: RATES
        | RATES.map(repr)
        | st.tuples(RATES, RATES).map(sorted).map(lambda ends: Range(*ends)),
        "optimizer.sgd.nesterov": st.booleans() | st.sampled_from(["true", "false"]),
        "optimizer.sgd.weight_decay": st.none() | st.just("none") | st.floats(1e-6, 1e-1),
        "activation": st.lists(st.sampled_from(["relu", "tanh", "elu"]), min_size=1, max_size=3),
        "hidden_sizes.length": st.just(Range(1, 2, log=False)) | st.integers(1, 3),
        "batch_size": st.sampled_from([None, 32, "64", "none"]),
        "epochs": st.integers(1, 5000) | st.integers(1, 99).map(str),
        "patience": st.none() | st.integers(1, 20),
    },
)
SPECS = st.fixed_dictionaries(
    {"task": st.just("diabetes")},
    optional={
        "name": st.none() | st.from_regex(NAME, fullmatch=True),
        "trials": st.integers(1, 10_000),
        "time": st.none() | st.floats(0.001, 1e9) | st.sampled_from(["20m", "1h30m", "90"]),
        "target": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "sampler": SAMPLERS,
        "scheduler": SCHEDULERS,
        "space": SPACES,
        "folds": st.none() | st.integers(1, 20),
        "seed": st.integers(0, 2**32 - 1),
        "cpus_per_trial": st.floats(0.01, 64),
        "gpus_per_trial": st.floats(0.0001, 1) | st.integers(0, 8),
        "max_concurrent_trials": st.none() | st.integers(1, 10_000),
        "keep_checkpoints": st.integers(1, 20),
    },
)


@settings(max_examples=100, deadline=None)
@given(SPECS)
def test_a_spec_is_the_same_after_yaml(values: dict[str, Any]) -> None:
    spec = parse_spec(values)
    text = spec.to_yaml()
    assert parse_spec(yaml.safe_load(text)) == spec
    assert parse_spec(yaml.safe_load(text)).to_yaml() == text


def test_yaml_leaves_defaults_out(tmp_path: Path) -> None:
    spec = parse_spec({"task": "diabetes", "sampler": "random", "scheduler": "none", "trials": 7})
    path = tmp_path / "search.yaml"
    path.write_text(spec.to_yaml())
    assert read_spec(path) == {
        "task": "diabetes",
        "trials": 7,
        "sampler": {"kind": "random"},
        "scheduler": {"kind": "none"},
    }
