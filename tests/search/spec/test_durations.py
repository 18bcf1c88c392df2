"""Durations as texts."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tuneyard.search.spec.durations import parse_duration


@given(
    days=st.integers(0, 3),
    hours=st.integers(0, 99),
    minutes=st.integers(0, 99),
    seconds=st.integers(0, 999),
    upper=st.booleans(),
)
def test_a_duration_is_the_sum_of_its_parts(
    days: int, hours: int, minutes: int, seconds: int, upper: bool
) -> None:
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    text = "".join(f"{number}{unit}" for number, unit in parts if number)
    assume(text)
    expected = 86400 * days + 3600 * hours + 60 * minutes + seconds
    assert parse_duration(text.upper() if upper else f" {text} ") == expected
    assert parse_duration(str(expected)) == expected


@given(st.floats(0.01, 1e6), st.sampled_from("smhd"))
def test_a_duration_may_have_a_fraction(number: float, unit: str) -> None:
    text = f"{number:.3f}{unit}"
    scale = {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    assert parse_duration(text) == pytest.approx(float(text[:-1]) * scale)
    assert parse_duration(number) == number
