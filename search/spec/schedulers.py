"""Which scheduler stops or changes trials, with its options; all times are epochs."""

from __future__ import annotations

import math
from typing import Annotated, Literal, assert_never

from pydantic import Field

from tuneyard.search.frozen import Frozen


class ASHA(Frozen):
    """Asynchronous successive halving (Li et al., 2020).

    Attributes:
        grace: Epochs before the first rung; None means a fifth of the longest training.
        reduction: One in so many trials passes a rung.
    """

    kind: Literal["asha"] = "asha"
    grace: Annotated[int, Field(ge=1)] | None = None
    reduction: Annotated[int, Field(ge=2)] = 3


class HyperBand(Frozen):
    """HyperBand (Li et al., 2018): successive halving in brackets that wait for each other.

    Attributes:
        reduction: One in so many trials passes a rung.
    """

    kind: Literal["hyperband"] = "hyperband"
    reduction: Annotated[int, Field(ge=2)] = 3


class Median(Frozen):
    """Stops a trial whose best is below the median of the others' means (Golovin et al., 2017).

    Attributes:
        grace: Epochs before a trial may be stopped; None means a fifth of the longest training.
        min_trials: Trials to compare with before any is stopped.
    """

    kind: Literal["median"] = "median"
    grace: Annotated[int, Field(ge=1)] | None = None
    min_trials: Annotated[int, Field(ge=1)] = 3


class PBT(Frozen):
    """Population based training (Jaderberg et al., 2017); the trials are the population.

    A trial in the lowest quarter goes on from a copy of one in the highest, with its optimizer's
    numbers multiplied by 0.8 or 1.2, or drawn anew.

    Attributes:
        interval: Epochs between changes; None means a tenth of the longest training.
        quantile: The share of trials that copy, and of those that are copied.
        resample: Probability that a number is drawn anew.
    """

    kind: Literal["pbt"] = "pbt"
    interval: Annotated[int, Field(ge=1)] | None = None
    quantile: Annotated[float, Field(gt=0, le=0.5)] = 0.25
    resample: Annotated[float, Field(ge=0, le=1)] = 0.25


class NoScheduler(Frozen):
    """Every trial runs to its own end."""

    kind: Literal["none"] = "none"


Scheduler = Annotated[ASHA | HyperBand | Median | PBT | NoScheduler, Field(discriminator="kind")]


def first_rung(scheduler: ASHA | Median, epochs: int) -> int:
    """Epochs before the scheduler looks at a trial for the first time."""
    return min(scheduler.grace or max(1, epochs // 5), epochs)


def pbt_interval(scheduler: PBT, epochs: int) -> int:
    """Epochs between changes."""
    return min(scheduler.interval or max(1, epochs // 10), epochs)


def milestones(scheduler: Scheduler, epochs: int) -> frozenset[int]:
    """Epochs at which the scheduler compares trials: each trial must report right there.

    Args:
        scheduler: Which one.
        epochs: The longest training in the space.
    """
    match scheduler:
        case ASHA():
            return _powers(first_rung(scheduler, epochs), scheduler.reduction, epochs)
        case HyperBand():
            return _brackets(scheduler.reduction, epochs)
        case Median():
            step = first_rung(scheduler, epochs)
            return frozenset(range(step, epochs + 1, step))
        case PBT():
            step = pbt_interval(scheduler, epochs)
            return frozenset(range(step, epochs + 1, step))
        case NoScheduler():
            return frozenset()
        case _:
            assert_never(scheduler)


def _brackets(factor: int, last: int) -> frozenset[int]:
    """The rungs of every bracket, rounded as Ray Tune rounds them."""
    found: set[int] = set()
    for halvings in range(round(math.log(last) / math.log(factor)) + 1):
        found |= _powers(int(last * factor**-halvings) or last, factor, last)
    return frozenset(found)


def _powers(first: int, factor: int, last: int) -> frozenset[int]:
    found = {first}
    while max(found) * factor <= last:
        found.add(max(found) * factor)
    return frozenset(found)
