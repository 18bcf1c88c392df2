"""Tests of narrowing a space by user input, with one-line messages for wrong input."""

from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from tuneyard.spaces import Float, Int, Length, Range, SearchSpace, SpaceError
from tuneyard.spaces.language.categorical import Choice
from tuneyard.spaces.language.domains import Domain, Restriction


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Sgd(SearchSpace):
    kind: Literal["sgd"] = "sgd"
    lr: Annotated[float, Float(1e-4, 1.0, log=True)] = 1e-2
    decay: Annotated[float, Float(1e-6, 0.1, log=True)] | None = None


class Adam(SearchSpace):
    kind: Literal["adam"] = "adam"
    lr: Annotated[float, Float(1e-5, 0.1, log=True)] = 1e-3


class Plateau(SearchSpace):
    factor: Annotated[float, Float(0.1, 0.9)] = 0.5
    patience: int = 10


class Net(SearchSpace):
    optimizer: Annotated[Sgd | Adam, Field(discriminator="kind")] = Adam()
    sizes: Annotated[tuple[Annotated[int, Int(4, 64)], ...], Length(1, 3)] = (8, 16)
    dropout: Annotated[float, Float(0.0, 0.5, step=0.1)] = 0.0
    clip: Annotated[float, Float(0.1, 10.0, log=True)] | None = None
    plateau: Plateau | None = None
    activation: Literal["relu", "tanh", "none"] = "relu"
    batch_size: Literal[64, 128, 256] = 64
    size: Size = Size.SMALL
    shuffle: Literal[True, 1, "by_class"] = True
    widths: tuple[int, ...] = (1, 2)
    name: str | None = None
    epochs: int = 30


SPACE = Net.space()


def domain(restrictions: dict[str, Restriction], path: str) -> Domain:
    space = SPACE.narrow(restrictions)
    return next(leaf.domain for leaf in space.leaves if leaf.path == path)


@pytest.mark.parametrize(
    ("path", "restriction", "left"),
    [
        ("optimizer.adam.lr", Range.parse("1e-4:1e-2"), Float(1e-4, 1e-2, log=True)),
        ("optimizer.adam.lr", Range.parse("1e-4:1e-2:linear"), Float(1e-4, 1e-2)),
        ("sizes.0", Range.parse("8:32:log"), Int(8, 32, log=True)),
        ("sizes.length", Range(1, 2), Int(1, 2)),
        ("dropout", Range(0.1, 0.3), Float(0.1, 0.3, step=0.1)),
        ("dropout", Range(0.2, 0.2), Choice((0.2,))),
        ("dropout", "0.2", Choice((0.2,))),
        ("sizes.1", 8.0, Choice((8,))),
        ("activation", "TANH", Choice(("tanh",))),
        ("activation", ["tanh", "relu"], Choice(("relu", "tanh"))),
        ("activation", "none", Choice(("none",))),
        ("batch_size", ["64", 256], Choice((64, 256))),
        ("batch_size", Range(64, 128), Choice((64, 128))),
        ("size", Size.LARGE, Choice(("large",))),
        ("size", ["small"], Choice(("small",))),
        ("shuffle", 1, Choice((1,))),
        ("shuffle", ["true", "by_class"], Choice((True, "by_class"))),
        ("clip.on", [True, False], Choice((False, True))),
    ],
)
def test_the_narrowed_domains(path: str, restriction: Restriction, left: Domain) -> None:
    found = domain({path: restriction}, path)
    assert found == left
    # True == 1
    assert found.describe() == left.describe()


@pytest.mark.parametrize(
    ("path", "restriction", "field", "value"),
    [
        ("epochs", "5", "epochs", 5),
        ("epochs", 5.0, "epochs", 5),
        ("widths", [3, 4, 5], "widths", (3, 4, 5)),
        ("widths", "[3]", "widths", (3,)),
        ("name", "gru", "name", "gru"),
        ("name", "none", "name", None),
        ("optimizer.kind", "sgd", "optimizer", Sgd()),
        ("clip", "1.5", "clip", 1.5),
        ("clip.on", "true", "clip", 1.0),
        ("plateau.on", True, "plateau", Plateau()),
    ],
)
def test_the_baseline_is_narrowed_too(
    path: str, restriction: Restriction, field: str, value: Any
) -> None:
    space = SPACE.narrow({path: restriction})
    assert getattr(space.baseline(), field) == value
    assert space.contains(space.baseline())


def test_a_switch_turns_a_branch_off_and_on() -> None:
    paths = {leaf.path for leaf in SPACE.dimensions()}
    for off in (None, "none", "None"):
        less = SPACE.narrow({"clip": off, "plateau": off, "optimizer.sgd.decay": off})
        gone = paths - {leaf.path for leaf in less.dimensions()}
        assert gone == {
            *("clip.on", "clip", "plateau.on", "plateau.factor"),
            *("optimizer.sgd.decay.on", "optimizer.sgd.decay"),
        }
        assert less.narrow({"clip": off, "plateau.on": False}) == less
    on = SPACE.narrow({"clip": Range(1, 2), "plateau.factor": 0.3})
    assert "clip.on" not in {leaf.path for leaf in on.dimensions()}
    assert "plateau.on" in {leaf.path for leaf in on.dimensions()}


def test_leaves_that_cannot_exist_are_dropped() -> None:
    space = SPACE.narrow({"optimizer.kind": "adam", "sizes.length": 1})
    paths = {leaf.path for leaf in space.leaves}
    assert {"optimizer.adam.lr", "sizes.0"} <= paths
    assert paths.isdisjoint({"optimizer.sgd.lr", "optimizer.sgd.decay.on", "sizes.1", "sizes.2"})
    assert not space.contains(Net(optimizer=Sgd()))
    assert not space.contains(Net(sizes=(8, 16)))
    assert space.contains(Net(sizes=(16,)))


WRONG: list[tuple[dict[str, Any], str]] = [
    # paths
    ({"droput": 0.1}, "droput is not in Net; did you mean dropout?"),
    (
        {"optimizer.lr": 0.1},
        "optimizer.lr is not in Net; did you mean optimizer.sgd.lr or optimizer.adam.lr or ",
    ),
    ({"q": 0.1}, "q is not in Net; known: activation, batch_size, clip, clip.on, dropout, "),
    ({"sizes.3": 8}, "sizes.3 is not in Net; did you mean "),
    # values
    ({"dropout": 0.7}, "dropout must be in [0.0, 0.5] step 0.1, got 0.7"),
    ({"dropout": "high"}, "dropout must be a number in [0.0, 0.5] step 0.1, got 'high'"),
    ({"dropout": "0.1:0.2"}, "dropout must be a number in [0.0, 0.5] step 0.1, got '0.1:0.2'"),
    ({"dropout": None}, "dropout must be a number in [0.0, 0.5] step 0.1, got None"),
    ({"dropout": Range(0.1, 0.9)}, "dropout must be in [0.0, 0.5] step 0.1, got 0.9"),
    (
        {"dropout": Range(0.1, 0.5, log=True)},
        "dropout Float takes either log=True or a step, got log=True, step=0.1",
    ),
    ({"dropout": Range(0.4, 0.2)}, "dropout Float low must be below high, got low=0.4, high=0.2"),
    ({"sizes.0": Range(4.5, 8)}, "sizes.0 must be a whole number in [4, 64], got 4.5"),
    ({"sizes.0": Range(float("nan"), 8)}, "sizes.0 must be a whole number in [4, 64], got nan"),
    (
        {"sizes.0": [8, 16]},
        "sizes.0 is a number, so it takes one value or a range low:high, got [8, 16]",
    ),
    ({"optimizer.kind": "adamw"}, "optimizer.kind must be one of sgd, adam, got 'adamw'"),
    ({"activation": ["relu", "gelu"]}, "activation must be one of relu, tanh, none, got 'gelu'"),
    ({"activation": []}, "activation needs at least one of relu, tanh, none, got none"),
    (
        {"activation": Range(0, 1)},
        "activation is one of relu, tanh, none, not a range; use --set with one or more of them",
    ),
    ({"batch_size": Range(64, 200)}, "batch_size must be one of 64, 128, 256, got 200"),
    ({"batch_size": Range(256, 64)}, "batch_size needs at least one of 64, 128, 256, got none"),
    ({"epochs": "many"}, "epochs should be a valid integer, unable to parse string as an integer"),
    ({"epochs": [5, 6]}, "epochs should be a valid integer, got [5, 6]"),
    ({"epochs": Range(5, 6)}, "epochs is fixed at 30 and not searched; use --set"),
    ({"widths": "wide"}, "widths should be a valid tuple, got 'wide'"),
    # incompatible restrictions
    (
        {"optimizer.kind": "adam", "optimizer.sgd.lr": 0.1},
        "optimizer.sgd.lr is never used where optimizer.kind is adam; leave one of them out",
    ),
    (
        {"optimizer.kind": "adam", "optimizer.sgd.decay": 0.1},
        "optimizer.sgd.decay.on is never used where optimizer.kind is adam; leave one of them out",
    ),
    (
        {"sizes.length": 1, "sizes.1": 8},
        "sizes.1 is never used where sizes.length is 1; leave one of them out",
    ),
    (
        {"clip": 0.5, "clip.on": False},
        "clip is never used where clip.on is false; leave one of them out",
    ),
    (
        {"plateau": None, "plateau.factor": 0.5},
        "plateau.factor is never used where plateau.on is false; leave one of them out",
    ),
    (
        {"plateau": "on"},
        "plateau must be none or be given by the paths under it, got 'on'",
    ),
]


@pytest.mark.parametrize(("restrictions", "message"), WRONG)
def test_wrong_input_costs_one_line_and_changes_nothing(
    restrictions: dict[str, Any], message: str
) -> None:
    before = repr(SPACE.leaves)
    with pytest.raises(SpaceError) as caught:
        SPACE.narrow({"epochs": 3} | restrictions)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert repr(SPACE.leaves) == before
    assert Net.space() == SPACE


def test_narrowing_returns_another_space() -> None:
    part = SPACE.narrow({"activation": "tanh", "epochs": 3})
    assert part.baseline().activation == "tanh"
    assert SPACE.baseline() == Net()
    assert SPACE.narrow({}) == SPACE


def test_a_narrowed_space_is_not_widened_again() -> None:
    part = SPACE.narrow({"dropout": Range(0.1, 0.3), "activation": ["relu", "tanh"]})
    for wider in ({"dropout": Range(0.0, 0.5)}, {"activation": "none"}):
        with pytest.raises(SpaceError, match="must be"):
            part.narrow(wider)
