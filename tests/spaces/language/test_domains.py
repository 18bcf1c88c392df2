"""Tests of single domains: reading values, steps, grids, and values as text."""

import math
from datetime import timedelta
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError, create_model

from tuneyard.spaces import Float, Int, Length, Range, SearchSpace, SpaceError, to_text
from tuneyard.spaces.language.categorical import Choice, Fixed
from tuneyard.spaces.language.domains import Domain, Value
from tuneyard.spaces.language.errors import one_line

Number = Float | Int

quick = settings(max_examples=100, deadline=None)

NUMBERS: list[Number] = [
    Float(0, 1),
    Float(1e-5, 0.1, log=True),
    Float(0.1, 0.3, step=0.1),
    Float(0.0, 4.9, step=1.0),
    Float(1e6, 1e6 + 1e-3, step=1e-4),
    Int(1, 3),
    Int(-5, 5),
    Int(1, 8, log=True),
    Int(16, 256, log=True),
    Int(0, 10, step=3),
    Int(0, 2**63 - 1),
]


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Code(str, Enum):  # noqa: UP042 (its str() is not its value)
    RED = "red"
    BLUE = "blue"


@quick
@given(st.sampled_from(NUMBERS), st.floats(allow_nan=False, allow_infinity=False))
def test_the_nearest_member_is_a_member(domain: Number, value: float) -> None:
    assume(isinstance(domain, Float) or value.is_integer())
    nearest = domain.nearest(value)
    assert type(nearest) is (float if isinstance(domain, Float) else int)
    assert domain.contains(nearest)
    assert domain.read(to_text(nearest)) == nearest
    assert domain.nearest(nearest) == nearest


@pytest.mark.parametrize("domain", NUMBERS)
@pytest.mark.parametrize("points", [1, 2, 5, 50])
def test_a_grid_rises_from_end_to_end(domain: Number, points: int) -> None:
    grid = list(domain.grid(points))
    assert 1 <= len(grid) <= min(points, domain.size)
    assert all(map(domain.contains, grid))
    assert all(low < high for low, high in pairwise(grid))
    if points > 1:
        assert (grid[0], grid[-1]) == (domain.low, domain.nearest(domain.high))
    if points >= domain.size:
        assert len(grid) == domain.size


@pytest.mark.parametrize("domain", NUMBERS)
def test_the_middle_is_a_member(domain: Number) -> None:
    assert domain.contains(domain.middle())


@pytest.mark.parametrize("domain", NUMBERS)
def test_the_bounds_are_in_the_class_and_in_its_json_schema(domain: Number) -> None:
    kind = float if isinstance(domain, Float) else int
    fields: dict[str, Any] = {"x": (Annotated[kind, domain], domain.low)}
    cls = create_model("Bounded", __base__=SearchSpace, **fields)
    (leaf,) = cls.space().leaves  # `Annotated` may be one of an equal domain: 0 is 0.0
    field = cls.model_json_schema()["properties"]["x"]
    assert (field["minimum"], field["maximum"]) == (domain.low, domain.high)
    assert field.get("log", False) == domain.log
    for outside in (domain.low - 1, domain.high + 1):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(outside, field)
        with pytest.raises(ValidationError) as caught:
            cls(x=outside)
        assert one_line(caught.value) == f"x must be in {leaf.domain.describe()}, got {outside!r}"


def test_a_log_grid_has_equal_ratios() -> None:
    assert list(Float(1e-4, 1.0, log=True).grid(5)) == pytest.approx([1e-4, 1e-3, 1e-2, 0.1, 1.0])
    assert Float(1e-4, 1.0, log=True).middle() == pytest.approx(1e-2)
    assert list(Int(1, 100, log=True).grid(3)) == [1, 10, 100]


def test_rounding_removes_no_step() -> None:
    tenths = Float(0.1, 0.3, step=0.1)
    assert tenths.size == 3
    assert [tenths.nearest(value) for value in (0.19, 0.29, 0.3)] == [0.2, 0.3, 0.3]
    assert tenths.read(0.1 + 2 * 0.1 - 1e-16) == pytest.approx(0.3)
    assert tenths.narrowed(Range(0.2, 0.3)) == Float(0.2, 0.3, step=0.1)
    assert not tenths.contains(0.25)


@pytest.mark.parametrize(
    ("domain", "value", "read"),
    [
        (Float(0, 1), "1", 1.0),
        (Float(0, 1), " 1e-3 ", 1e-3),
        (Int(1, 8), "8", 8),
        (Int(1, 8), "8.0", 8),
        (Int(1, 8), 3.0, 3),
        (Int(0, 2**63 - 1), str(2**63 - 1), 2**63 - 1),
        (Choice((False, True)), "TRUE", True),
        (Choice((64, 128)), "64.0", 64),
        (Choice((64, 128)), 128.0, 128),
        (Choice((True, 1)), 1, 1),
        (Choice((True, 1)), "true", True),
        (Choice((0.001, "1e-3")), "1e-3", "1e-3"),
        (Choice((0.001, "1e-3")), "1E-03", 0.001),
        (Choice(("small", "large")), Size.LARGE, "large"),
        (Choice(("red", "blue")), Code.RED, "red"),
        (Choice(("a", None)), "none", None),
    ],
)
def test_reading(domain: Domain, value: object, read: Value) -> None:
    found = domain.read(value)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("domain", "value", "message"),
    [
        (Float(0, 1), 1.5, "must be in [0, 1], got 1.5"),
        (Float(0, 1), "fast", "must be a number in [0, 1], got 'fast'"),
        (Float(0, 1), True, "must be a number in [0, 1], got True"),
        (Float(0, 1), None, "must be a number in [0, 1], got None"),
        (Float(0, 1), math.nan, "must be in [0, 1], got nan"),
        (Float(1e-5, 0.1, log=True), 3.0, "must be in [1e-05, 0.1] log, got 3.0"),
        (Float(0, 1, step=0.25), 0.3, "must be in [0, 1] step 0.25, got 0.3"),
        (Int(1, 8), 2.5, "must be a whole number in [1, 8], got 2.5"),
        (Int(1, 8), "1e999", "must be a whole number in [1, 8], got '1e999'"),
        (Int(0, 10, step=5), 6, "must be in [0, 10] step 5, got 6"),
        (Choice(("relu", "tanh")), "rellu", "must be one of relu, tanh, got 'rellu'"),
        (Choice((64, 128)), True, "must be one of 64, 128, got True"),
        (Choice((64, 128)), 10**400, f"must be one of 64, 128, got {10**199}..."),
        (Choice((64,)), {"a": object}, f"must be 64, got {{'a': {object!r}}}"),
    ],
)
def test_reading_a_value_outside_the_domain(domain: Domain, value: object, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        domain.read(value)
    assert str(caught.value) == message
    assert not domain.contains(value)


@pytest.mark.parametrize(
    ("kind", "value", "plain"),
    [
        (int, 5, 5),
        (int | None, None, None),
        (str, "none", "none"),
        (str, "5", "5"),
        (str, '"q"', r'"\"q\""'),
        (str | None, "none", '"none"'),
        (str | None, None, None),
        (int | str, "5", '"5"'),
        (int | str, 5, 5),
        (float, math.inf, math.inf),
        (tuple[int, ...], (1, 2), "[1, 2]"),
        (dict[int, str], {1: "a"}, '{"1": "a"}'),
        (frozenset[int], frozenset({1}), "[1]"),
        (Path, Path("a/b"), "a/b"),
        (timedelta, timedelta(days=1), "P1D"),
        (Code, Code.RED, "red"),
        (Literal["64"], "64", "64"),
    ],
)
def test_a_plain_value_is_restored_from_its_text(kind: Any, value: object, plain: Value) -> None:
    fixed = Fixed(TypeAdapter(kind), value)
    assert fixed.plain(value) == plain
    back = fixed.parse(to_text(plain))
    assert back == value
    assert type(back) is type(value)
    assert fixed.read(plain) == plain


def test_the_nearest_choice_is_the_nearest_number_or_the_first() -> None:
    assert Choice((64, 128, 256)).nearest(200) == 256
    assert Choice(("a", "b")).nearest("b") == "b"
    assert Choice(("a", "b")).nearest("c") == "a"
    assert Choice((True, 2)).nearest(3) is True


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1e-4:1e-1", Range(1e-4, 1e-1)),
        ("1e-4:1e-1:log", Range(1e-4, 1e-1, log=True)),
        ("1:8:linear", Range(1, 8, log=False)),
        (" -1 : 2 ", Range(-1, 2)),
    ],
)
def test_a_range_reads(text: str, wanted: Range) -> None:
    assert Range.parse(text) == wanted


@pytest.mark.parametrize("text", ["", "1", ":", "1:", "1:2:", "1:2:exp", "1:2:log:3", "a:b", "1,2"])
def test_a_range_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Range.parse(text)
    rule = "a range must read low:high, low:high:log or low:high:linear"
    assert str(caught.value) == f"{rule}, got {text!r}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "true"),
        (0, "0"),
        (1e-05, "1e-05"),
        (0.1 + 0.2, "0.30000000000000004"),
        ("relu", "relu"),
        ([1, None], "[1, null]"),
    ],
)
def test_values_as_text(value: object, text: str) -> None:
    assert to_text(value) == text


def test_broken_bounds_are_named() -> None:
    assert Length(0, 3).problem is None
    assert Float(0.1, 0.3, step=0.2).problem is None
    assert Length(3, 2).problem == "Length needs 0 <= low <= high and high >= 1, got low=3, high=2"
