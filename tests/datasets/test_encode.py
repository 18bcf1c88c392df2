"""Tests of the encoding of names in any script."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tuneyard.datasets.names import encode

PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


def decoded(codes: np.ndarray) -> str:
    return bytes(codes).decode("ascii")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Müller", "Muller"),
        ("Mu\u0308ller", "Muller"),
        ("Иванов", "Ivanov"),
        ("Strauß", "Strauss"),
        ("Ångström", "Angstrom"),
        ("Núñez", "Nunez"),
        ("O\u2019Neal", "O'Neal"),
        (" van  der\tBerg\n", "van der Berg"),
        ("a\0b", "a b"),
    ],
)
def test_letters_outside_ascii_are_transliterated(name: str, text: str) -> None:
    assert decoded(encode(name)) == text


@settings(deadline=None)
@given(PRINTABLE)
def test_ascii_stays_as_it_is(name: str) -> None:
    assert decoded(encode(name)) == name


@settings(deadline=None)
@given(st.text())
@example("\u0301")
@example("\0\x7f")
def test_any_text_becomes_printable_ascii_or_is_refused(name: str) -> None:
    try:
        codes = encode(name)
    except ValueError as error:
        assert str(error) == f"name must have at least one letter, got {name!r}"  # noqa: PT017
        return
    assert codes.dtype == np.uint8
    assert len(codes) >= 1
    assert codes.min() >= 32
    assert codes.max() <= 126
    assert np.array_equal(encode(decoded(codes)), codes)


@settings(deadline=None)
@given(PRINTABLE, st.integers(0, 10))
def test_padding_is_zeros_at_the_end(name: str, more: int) -> None:
    codes = encode(name, width=len(name) + more)
    assert np.array_equal(codes[: len(name)], encode(name))
    assert codes[len(name) :].tolist() == [0] * more


@pytest.mark.parametrize("name", ["", "  ", "\0", "\u0301"])
def test_a_name_with_nothing_left_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name must have at least one letter, got '.*'$"):
        encode(name)


def test_a_name_that_is_wider_than_asked_for_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 5 letters, got 6 in 'Muller'"):
        encode("Müller", width=5)
