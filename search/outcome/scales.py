"""The scale of a parameter's axis, and its ticks where an axis takes numbers alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from tuneyard.search.results.comparison import short
from tuneyard.spaces import Float, Int, to_text
from tuneyard.spaces.language.dimensions import Dimension

ABSENT = "absent"
"""The tick of trials in which a parameter does not exist."""

TICKS = 5

MARGIN = 0.05
"""Of an axis beyond its domain, so that no point lies on its end."""


def scale_of(leaf: Dimension) -> dict[str, object]:
    """The axis of a parameter as plotly takes it: its type, and the whole of its domain."""
    domain = leaf.domain
    if not isinstance(domain, Float | Int):
        order = [to_text(choice) for choice in domain.grid(TICKS)]
        return {"type": "category", "categoryorder": "array", "categoryarray": order}
    low, high = _scaled(domain.low, leaf), _scaled(domain.high, leaf)
    margin = MARGIN * (high - low)
    return {
        "type": "log" if domain.log else "linear",
        "range": [low - margin, high + margin],
        "nticks": TICKS,
        "exponentformat": "e",
    }


def to_place(value: object, leaf: Dimension) -> float | str:
    """Where a value lies on the axis of `scale_of`."""
    read = leaf.domain.read(value)
    return read if isinstance(leaf.domain, Float | Int) else to_text(read)


@dataclass(frozen=True)
class Axis:
    """An axis of numbers.

    Attributes:
        values: Where each trial lies on it; never NaN.
        ticks: Where its ticks lie, in order.
        texts: What they say.
    """

    values: list[float]
    ticks: list[float]
    texts: list[str]


def axis_of(values: pd.Series, leaf: Dimension) -> Axis:
    """A parameter's axis of numbers: log-scaled ones lie by their logarithm, words by their rank.

    Args:
        values: Of the trials; NA where the parameter does not exist.
        leaf: The parameter.
    """
    known = values.dropna()
    if isinstance(leaf.domain, Float | Int):
        marks = _marks(leaf.domain)
        texts = [short(mark) for mark in marks]
        ticks = [_scaled(mark, leaf) for mark in marks]
        places = {index: _scaled(value, leaf) for index, value in known.items()}
    else:
        texts = [to_text(choice) for choice in leaf.domain.grid(TICKS)]
        ticks = [float(rank) for rank in range(len(texts))]
        ranks = dict(zip(texts, ticks, strict=True))
        places = {index: ranks[to_text(leaf.domain.read(value))] for index, value in known.items()}
    if len(known) < len(values):
        # below the others
        ticks, texts = [ticks[0] - (ticks[-1] - ticks[0]) / TICKS, *ticks], [ABSENT, *texts]
    return Axis([places.get(index, ticks[0]) for index in values.index], ticks, texts)


def _scaled(number: float, leaf: Dimension) -> float:
    log = isinstance(leaf.domain, Float | Int) and leaf.domain.log
    return math.log10(number) if log else float(number)


def _marks(domain: Float | Int) -> list[float]:
    """The numbers at an axis's ticks: its ends, and powers of ten or even steps between them."""
    if not domain.log:
        return [float(number) for number in domain.grid(TICKS)]
    first, last = math.floor(math.log10(domain.low)) + 1, math.ceil(math.log10(domain.high))
    step = max(1, math.ceil((last - first) / (TICKS - 1)))
    return [domain.low, *(10.0**power for power in range(first, last, step)), domain.high]
