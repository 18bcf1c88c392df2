"""Tests of shared fields, of pickling spaces, and of the time to import them."""

import inspect
import subprocess
import sys
from types import ModuleType
from typing import get_args

import cloudpickle
import pytest
from pydantic import TypeAdapter

from tuneyard.spaces import SearchSpace, Space
from tuneyard.spaces.fields import optimizers, regularization, schedules
from tuneyard.spaces.fields.activations import Activation
from tuneyard.spaces.fields.optimizers import Adam, Optimizer
from tuneyard.spaces.fields.schedules import Schedule

OPTIMIZERS = {
    "sgd": {"lr", "momentum", "nesterov", "weight_decay"},
    "adam": {"lr", "beta1", "weight_decay"},
    "adamw": {"lr", "beta1", "weight_decay"},
    "adamax": {"lr", "beta1", "weight_decay"},
    "adagrad": {"lr", "lr_decay", "weight_decay"},
    "asgd": {"lr", "lambd", "alpha", "weight_decay"},
    "rmsprop": {"lr", "alpha", "momentum", "centered", "weight_decay"},
    "rprop": {"lr", "eta_minus", "eta_plus"},
    "lbfgs": {"lr", "max_iter", "history_size", "line_search"},
}

SCHEDULES = {
    "constant": set(),
    "step": {"fraction", "gamma"},
    "plateau": {"factor", "patience"},
    "cosine": {"final"},
    "one_cycle": {"warmup"},
}


class Training(SearchSpace):
    optimizer: Optimizer = Adam()
    schedule: Schedule = schedules.Constant()
    l1: regularization.L1 = None
    clip_norm: regularization.ClipNorm = None
    dropout: regularization.Dropout = 0.0
    activation: Activation = "relu"


def classes(module: ModuleType) -> list[type[SearchSpace]]:
    """The spaces that a module defines, in the order of their definition."""
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__
    ]


ALL = [*classes(optimizers), *classes(schedules)]


@pytest.mark.parametrize(
    ("module", "union", "documented"),
    [(optimizers, Optimizer, OPTIMIZERS), (schedules, Schedule, SCHEDULES)],
)
def test_a_union_has_every_class_of_its_module(
    module: ModuleType, union: object, documented: dict[str, set[str]]
) -> None:
    members = get_args(get_args(union)[0])
    assert list(members) == classes(module)
    fields = {cls.model_fields["kind"].default: set(cls.model_fields) for cls in members}
    assert fields == {kind: {"kind", *names} for kind, names in documented.items()}
    assert list(fields) == list(documented)


@pytest.mark.parametrize("cls", ALL)
def test_a_class_stands_alone(cls: type[SearchSpace]) -> None:
    space = cls.space()
    assert space.contains(cls())
    assert space.baseline() == cls()
    assert set(cls.model_fields) == {leaf.path.removesuffix(".on") for leaf in space.leaves}
    assert [leaf.path for leaf in space.leaves if not leaf.searched] == ["kind"]
    assert cls.__doc__


@pytest.mark.parametrize("cls", ALL)
def test_the_kind_selects_the_class(cls: type[SearchSpace]) -> None:
    kind = cls.model_fields["kind"].default
    union: object = Optimizer if kind in OPTIMIZERS else Schedule
    assert type(TypeAdapter(union).validate_python({"kind": kind})) is cls


def test_a_space_of_all() -> None:
    space = Training.space()
    assert space.baseline() == Training()
    paths = {leaf.path for leaf in space.dimensions()}
    fields = {f"optimizer.{kind}.{name}" for kind, names in OPTIMIZERS.items() for name in names}
    assert {"optimizer.kind", "schedule.kind", "l1.on", "l1", "dropout", *fields} <= paths
    for kind in OPTIMIZERS:
        assert space.narrow({"optimizer.kind": kind}).baseline().optimizer.kind == kind
    for config in space.narrow({"l1": None, "clip_norm": None, "schedule.kind": "step"}).grid(1):
        assert space.contains(config)


@pytest.mark.parametrize("cls", [*ALL, Training])
def test_spaces_and_configs_travel(cls: type[SearchSpace]) -> None:
    space = cls.space()
    for thing in (
        cls,
        cls(),
        space,
        space.narrow({space.leaves[0].path: space.leaves[0].baseline}),
    ):
        assert cloudpickle.loads(cloudpickle.dumps(thing)) == thing
    back: Space[SearchSpace] = cloudpickle.loads(cloudpickle.dumps(space))
    assert back.unflatten(back.flatten(cls())) == cls()


USER_FILE = """
from typing import Annotated, Literal
import cloudpickle
from tuneyard.spaces import Float, Int, Length, SearchSpace
from tuneyard.spaces.fields.optimizers import Optimizer, SGD

class Mine(SearchSpace):
    sizes: Annotated[tuple[Annotated[int, Int(4, 64, log=True)], ...], Length(1, 3)] = (8,)
    optimizer: Optimizer = SGD(lr=0.1)
    rate: Annotated[float, Float(0, 1)] | None = None
    mode: Literal["a", "b"] = "a"
    epochs: int = 3

sys.stdout.buffer.write(cloudpickle.dumps((Mine.space(), Mine(sizes=(4, 5)))))
"""


def test_a_space_of_a_users_file_travels() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys" + USER_FILE],
        capture_output=True,
        timeout=60,
        check=True,
    )
    space, config = cloudpickle.loads(done.stdout)
    assert space.contains(config)
    assert space.baseline() == type(config)()
    with pytest.raises(ValueError, match=r"sizes\.0\n  must be in \[4, 64\] log"):
        type(config)(sizes=(3,))


def test_importing_is_light() -> None:
    names = ", ".join(
        f"tuneyard.spaces.fields.{name}" for name in ("optimizers", "schedules", "regularization")
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {names}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "tuneyard.spaces.language.space" in loaded
    assert loaded.isdisjoint({"numpy", "pandas", "torch", "ray", "optuna", "mlflow", "yaml"})
