"""The scale of a parameter's axis, and its ticks where an axis takes numbers alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from tuneyard.search.results.comparison import short
from tuneyard.spaces import Float, Int, Value, to_text
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
    margin, ticks = MARGIN * (high - low), marks(domain)
    return {
        "type": "log" if domain.log else "linear",
        "range": [low - margin, high + margin],
        "tickvals": ticks,
        "ticktext": [short(tick) for tick in ticks],
    }


def to_place(value: Value, leaf: Dimension) -> Value:
    """Where a value lies on the axis of `scale_of`."""
    if isinstance(leaf.domain, Float | Int):
        return value
    return to_text(leaf.domain.nearest(value))


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
    known = values.dropna().tolist()
    if isinstance(leaf.domain, Float | Int):
        numbers = marks(leaf.domain)
        texts = [short(number) for number in numbers]
        ticks = [_scaled(number, leaf) for number in numbers]
        places = [_scaled(value, leaf) for value in known]
    else:
        texts = [to_text(choice) for choice in leaf.domain.grid(TICKS)]
        ticks = [float(rank) for rank in range(len(texts))]
        ranks = dict(zip(texts, ticks, strict=True))
        places = [ranks[to_text(leaf.domain.nearest(value))] for value in known]
    if len(known) < len(values):
        # below the others
        ticks, texts = [ticks[0] - (ticks[-1] - ticks[0]) / TICKS, *ticks], [ABSENT, *texts]
    placed = iter(places)
    found = [ticks[0] if absent else next(placed) for absent in values.isna()]
    return Axis(found, ticks, texts)


def _scaled(number: float, leaf: Dimension) -> float:
    log = isinstance(leaf.domain, Float | Int) and leaf.domain.log
    return math.log10(number) if log else float(number)


def marks(domain: Float | Int) -> list[float]:
    """The numbers at an axis's ticks: its ends, and powers of ten or even steps between them."""
    if not domain.log:
        return [float(number) for number in domain.grid(TICKS)]
    first, last = math.floor(math.log10(domain.low)) + 1, math.ceil(math.log10(domain.high))
    step = max(1, math.ceil((last - first) / (TICKS - 1)))
    return [domain.low, *(10.0**power for power in range(first, last, step)), domain.high]
