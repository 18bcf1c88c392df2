"""Tests of the rules for classes: an invalid space fails on one line when its class is created."""

from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model
from typing_extensions import TypeAliasType

from tuneyard.spaces import Float, Int, Length, SearchSpace, SpaceError


class Strange:
    """A type that Pydantic has no schema for."""


class Point(Enum):
    ORIGIN = (0, 0)
    ONE = (1, 1)


class A(SearchSpace):
    kind: Literal["a"] = "a"
    lr: Annotated[float, Float(1e-5, 0.1, log=True)] = 1e-3


class B(SearchSpace):
    kind: Literal["b"] = "b"
    depth: Annotated[int, Int(1, 4)] = 2


class TwoNames(SearchSpace):
    kind: Literal["c", "d"] = "c"


class Loose(BaseModel):
    size: int = "big"


Branch = Annotated[A | B, Field(discriminator="kind")]


def make(annotation: object, default: object) -> type[SearchSpace]:
    fields: dict[str, Any] = {"x": (annotation, default)}
    return create_model("Bad", __base__=SearchSpace, **fields)


WRONG: list[tuple[object, object, str]] = [
    # bounds
    (Annotated[float, Float(1, 0)], 0.5, "Bad.x: Float low must be below high, got low=1, high=0"),
    (Annotated[int, Int(3, 3)], 3, "Bad.x: Int low must be below high, got low=3, high=3"),
    (
        Annotated[float, Float(0, 1, log=True)],
        0.5,
        "Bad.x: Float with log=True needs low above 0, got low=0",
    ),
    (
        Annotated[float, Float(0, float("inf"))],
        0.5,
        "Bad.x: Float bounds must be finite, got low=0, high=inf",
    ),
    (
        Annotated[float, Float(0, 1, step=0)],
        0.5,
        "Bad.x: Float step must be in (0, high - low], got step=0",
    ),
    (
        Annotated[int, Int(1, 8, log=True, step=2)],
        1,
        "Bad.x: Int takes either log=True or a step, got log=True, step=2",
    ),
    (Annotated[int, Int(1.5, 8)], 2, "Bad.x: Int takes whole numbers, got low=1.5"),
    (
        Annotated[tuple[Annotated[int, Int(1, 8)], ...], Length(3, 2)],
        (),
        "Bad.x: Length needs 0 <= low <= high and high >= 1, got low=3, high=2",
    ),
    # defaults
    (
        Annotated[int, Int(1, 8)],
        9,
        "Bad: the default of x must be in [1, 8], got 9",
    ),
    (
        Annotated[float, Float(0, 1, step=0.25)],
        0.3,
        "Bad: the default of x must be in [0, 1] step 0.25, got 0.3",
    ),
    (
        Literal["a", "b"],
        "c",
        "Bad: the default of x should be 'a' or 'b', got 'c'",
    ),
    (
        Branch,
        {"kind": "a", "lr": 3.0},
        "Bad: the default of x.a.lr must be in [1e-05, 0.1] log, got 3.0",
    ),
    (
        Annotated[tuple[Annotated[int, Int(1, 8)], ...], Length(1, 2)],
        (1, 2, 3),
        "Bad: the default of x must have 1 to 2 items, got (1, 2, 3)",
    ),
    (
        Annotated[int, Int(1, 8)],
        ...,
        "Bad.x: has no default; the default is the baseline, so give one",
    ),
    # types
    (
        Annotated[str, Float(0, 1)],
        "a",
        "Bad.x: Float searches a field of type float, got str",
    ),
    (Annotated[float, Int(0, 1)], 0.0, "Bad.x: Int searches a field of type int, got float"),
    (Annotated[bool, Int(0, 1)], True, "Bad.x: Int searches a field of type int, got bool"),
    (Annotated[int, Length(1, 2)], 1, "Bad.x: Length searches a tuple[X, ...], got <class 'int'>"),
    (
        Annotated[tuple[Annotated[int, Int(1, 8)], ...], Length(1, 2), Int(1, 8)] | int,
        1,
        "Bad.x: Length(low=1, high=2) is not searched inside ",
    ),
    (
        Annotated[tuple[int, ...], Length(1, 2)],
        (1,),
        "Bad.x: the items of a searched tuple must be searched, got tuple[int, ...]",
    ),
    (
        list[Annotated[int, Int(1, 8)]],
        [1],
        "Bad.x: Int(low=1, high=8, log=False, step=None) is not searched inside list[",
    ),
    (
        Annotated[int | None, Int(1, 8)],
        1,
        "Bad.x: None cannot be inside Annotated, write Annotated[X, Int(...)] | None, got ",
    ),
    (
        Annotated[float, Float(0, 1), Float(0, 0.5)],
        0.1,
        "Bad.x: takes one domain, got Float(low=0, high=1, log=False, step=None) and Float(",
    ),
    (
        Strange,
        None,
        "Bad.x: a plain field must have a type that Pydantic reads and writes, got <class ",
    ),
    (
        object,
        Strange(),
        "Bad.x: a plain field must have a type that Pydantic reads and writes, got <class ",
    ),
    (
        "Unknown",
        1,
        "Bad.x: the type must be defined above the class, got ForwardRef('Unknown')",
    ),
    (Annotated[int, Field(alias="y")], 1, "Bad.x: goes by its own name, got the alias 'y'"),
    (Loose | None, None, "Loose.size: the default should be a valid integer, unable to parse"),
    # choices
    (Literal["a", "A"], "a", "Bad.x: two choices are the same as text, got ('a', 'A')"),
    (Literal["1", 1], 1, "Bad.x: two choices are the same as text, got ('1', 1)"),
    (Literal[1, 1.0], 1, "Bad.x: two choices are the same number, got (1, 1.0)"),
    (Literal["a", None] | None, None, "Bad.x: none would be both a choice and off, got "),
    (
        Point,
        Point.ORIGIN,
        "Bad.x: a choice must be str, int, float, bool or None, got (0, 0)",
    ),
    # branches
    (
        A | B,
        A(),
        "Bad.x: a union of models is a branch and needs a discriminator: "
        'Annotated[A | B, Field(discriminator="kind")]',
    ),
    (
        Annotated[A | TwoNames, Field(discriminator="kind")],
        A(),
        'Bad.x: the branch TwoNames needs one name, kind: Literal["x"] = "x", got ',
    ),
]


@pytest.mark.parametrize(("annotation", "default", "message"), WRONG)
def test_a_wrong_class_fails_when_it_is_made(
    annotation: object, default: object, message: str
) -> None:
    with pytest.raises(SpaceError) as caught:
        make(annotation, default)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_group_that_contains_itself_fails() -> None:
    with pytest.raises(SpaceError, match=r"Node\.\w+: groups nest without end, got child\.child"):

        class Node(SearchSpace):
            size: Annotated[int, Int(1, 8)] = 1
            child: "Node | None" = None


def test_two_fields_may_not_share_a_path() -> None:
    class Group(SearchSpace):
        on: bool = False

    with pytest.raises(SpaceError, match=r"^Bad: two fields share the path x\.on; rename one$"):
        make(Group | None, None)


def test_the_error_names_the_class_that_has_the_field() -> None:
    with pytest.raises(SpaceError, match=r"^Inner\.size: Int low must be below high"):

        class Inner(SearchSpace):
            size: Annotated[int, Int(8, 1)] = 2


def test_a_type_alias_is_resolved() -> None:
    size = TypeAliasType("size", Annotated[int, Int(1, 3)])
    branch = TypeAliasType("branch", Branch)
    fields: dict[str, Any] = {
        "a": (size, 2),
        "b": (size | None, None),
        "c": (branch, B()),
        "d": (Annotated[size, Field(gt=0)], 2),
    }
    cls = create_model("Named", __base__=SearchSpace, **fields)
    paths = [leaf.path for leaf in cls.space().dimensions()]
    assert paths == ["a", "b.on", "b", "c.kind", "c.a.lr", "c.b.depth", "d"]


def test_a_default_may_be_converted_by_pydantic() -> None:
    cls = make(Branch, {"kind": "b", "depth": "4"})
    assert cls.space().baseline() == cls(x=B(depth=4))
    made = make(Branch, Field(default_factory=lambda: B(depth=3)))
    assert made.space().baseline() == made(x=B(depth=3))
