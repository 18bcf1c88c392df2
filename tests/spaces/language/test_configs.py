"""Tests of configs: paths, parameters, and wrong values, which fail at the path of their field."""

from typing import Annotated, Any, Literal, Self

import pytest
from pydantic import Field, ValidationError, model_validator

from tuneyard.spaces import Float, Int, Length, SearchSpace, SpaceError
from tuneyard.spaces.language.errors import did_you_mean, one_line


class A(SearchSpace):
    kind: Literal["a"] = "a"
    lr: Annotated[float, Float(1e-5, 0.1, log=True)] = 1e-3


class B(SearchSpace):
    kind: Literal["b"] = "b"
    depth: Annotated[int, Int(1, 4)] = 2


Branch = Annotated[A | B, Field(discriminator="kind")]


class Whole(SearchSpace):
    branch: Branch = A()
    maybe: Branch | None = None
    rate: Annotated[float, Float(0.0, 0.5)] | None = None
    sizes: Annotated[tuple[Annotated[int, Int(4, 64)], ...], Length(1, 3)] = (8,)
    rounds: Annotated[tuple[Branch, ...], Length(0, 2)] = (B(),)
    activation: Literal["relu", "tanh"] = "relu"
    epochs: Annotated[int, Field(gt=0)] = 30


def test_the_paths_of_a_space() -> None:
    space = Whole.space()
    assert [leaf.path for leaf in space.dimensions()] == [
        *("branch.kind", "branch.a.lr", "branch.b.depth"),
        *("maybe.on", "maybe.kind", "maybe.a.lr", "maybe.b.depth"),
        *("rate.on", "rate"),
        *("sizes.length", "sizes.0", "sizes.1", "sizes.2"),
        *("rounds.length", "rounds.0.kind", "rounds.0.a.lr", "rounds.0.b.depth"),
        *("rounds.1.kind", "rounds.1.a.lr", "rounds.1.b.depth"),
        "activation",
    ]
    assert [leaf.path for leaf in space.leaves if not leaf.searched] == ["epochs"]
    assert space.flatten(Whole()) == {
        "branch.kind": "a",
        "branch.a.lr": 1e-3,
        "maybe.on": False,
        "rate.on": False,
        "sizes.length": 1,
        "sizes.0": 8,
        "rounds.length": 1,
        "rounds.0.kind": "b",
        "rounds.0.b.depth": 2,
        "activation": "relu",
        "epochs": 30,
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"branch": {"kind": "a", "lr": 3}}, "branch.a.lr must be in [1e-05, 0.1] log, got 3"),
        ({"maybe": {"kind": "b", "depth": 0}}, "maybe.b.depth must be in [1, 4], got 0"),
        ({"rate": 0.7}, "rate must be in [0.0, 0.5], got 0.7"),
        ({"sizes": (8, 2)}, "sizes.1 must be in [4, 64], got 2"),
        ({"sizes": ()}, "sizes must have 1 to 3 items, got ()"),
        ({"rounds": [{"kind": "b", "depth": 5}]}, "rounds.0.b.depth must be in [1, 4], got 5"),
        ({"activation": "rely"}, "activation should be 'relu' or 'tanh', got 'rely'"),
        ({"epochs": 0}, "epochs should be greater than 0, got 0"),
        ({"size": 3}, "size extra inputs are not permitted, got 3"),
        ({"branch": {"kind": "b", "lr": 1}}, "branch.b.lr extra inputs are not permitted, got 1"),
    ],
)
def test_a_wrong_value_fails_at_its_path(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Whole(**wrong)
    assert one_line(caught.value) == message


def test_all_problems_are_on_one_line() -> None:
    with pytest.raises(ValidationError) as caught:
        Whole(rate=2, epochs="a\nb")
    assert one_line(caught.value) == (
        "rate must be in [0.0, 0.5], got 2; epochs should be a valid integer, "
        r"unable to parse string as an integer, got 'a\nb'"
    )


def test_an_unvalidated_config_is_not_inside() -> None:
    assert not Whole.space().contains(Whole(branch=A.model_construct(lr=3.0)))
    assert not Whole.space().contains(Whole.model_construct(sizes=(8, 8, 8, 8)))
    with pytest.raises(SpaceError, match=r"^branch\.a\.lr must be in .*, got 3\.0$"):
        Whole.space().flatten(Whole(branch=A.model_construct(lr=3.0)))


def test_a_config_is_frozen() -> None:
    config = Whole()
    with pytest.raises(ValidationError, match="frozen"):
        config.epochs = 3
    assert hash(config) == hash(Whole())


def test_near_names() -> None:
    known = ["optimizer.kind", "optimizer.adam.lr", "epochs"]
    assert did_you_mean("epoch", known) == "did you mean epochs?"
    assert did_you_mean("q", known) == "known: epochs, optimizer.adam.lr, optimizer.kind"


PARAMS = {
    "branch.kind": "b",
    "branch.b.depth": "3",
    "maybe.on": "true",
    "maybe.kind": "a",
    "maybe.a.lr": "0.01",
    "rate.on": "true",
    "rate": "0.5",
    "sizes.length": "2",
    "sizes.0": "16",
    "sizes.1": "32",
    "rounds.length": "0",
    "activation": "tanh",
    "epochs": "5",
}


def test_parameters_from_text() -> None:
    assert Whole.space().unflatten(PARAMS) == Whole(
        branch=B(depth=3),
        maybe=A(lr=0.01),
        rate=0.5,
        sizes=(16, 32),
        rounds=(),
        activation="tanh",
        epochs=5,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes.1": None}, "sizes.1 is missing, it must be [4, 64]"),
        ({"branch.b.depth": "9"}, "branch.b.depth must be in [1, 4], got 9"),
        ({"epochs": "0"}, "epochs should be greater than 0, got '0'"),
        ({"epochs": "many"}, "epochs should be a valid integer, unable to parse string as an "),
        ({"rate.on": "perhaps"}, "rate.on must be one of false, true, got 'perhaps'"),
        ({"rate.on": "false"}, "rate is not used with the other values; leave it out"),
        ({"branch.a.lr": "0.1"}, "branch.a.lr is not used with the other values; leave it out"),
        ({"epoch": "5"}, "epoch is not in Whole; did you mean epochs?"),
    ],
)
def test_wrong_parameters(change: dict[str, str | None], message: str) -> None:
    params = {path: text for path, text in (PARAMS | change).items() if text is not None}
    with pytest.raises(SpaceError) as caught:
        Whole.space().unflatten(params)
    assert str(caught.value).startswith(message)


def test_a_value_outside_its_domain_is_not_suggested() -> None:
    with pytest.raises(SpaceError, match=r"^branch\.kind must be one of a, b, got 99$"):
        Whole.space().suggest(lambda _: 99)


def test_a_rule_between_fields_holds_for_suggestions_too() -> None:
    class Pair(SearchSpace):
        low: Annotated[int, Int(1, 8)] = 1
        high: Annotated[int, Int(1, 8)] = 8

        @model_validator(mode="after")
        def _ordered(self) -> Self:
            if self.low > self.high:
                raise ValueError("low must not be above high")
            return self

    assert Pair.space().baseline() == Pair()
    with pytest.raises(SpaceError, match=r"^Pair low must not be above high, got \{"):
        Pair.space().suggest(lambda leaf: 8 if leaf.path == "low" else 1)
