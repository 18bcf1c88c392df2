"""`SchedulerOptions`: what a search asks of every kind of scheduler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tuneyard.search.spec.kinds import KindOptions
from tuneyard.spaces import SearchSpace, Space, SpaceError

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


MAX_LOOKS = 100_000
"""Of a scheduler at one trial: every worker keeps a set of them."""


@dataclass(frozen=True)
class SchedulerSetting:
    """The search that a scheduler is built for.

    Attributes:
        mode: The objective's direction.
        space: The narrowed space.
        epochs: The longest training in the space.
        seed: Of the scheduler's random choices.
        curves: The best objective by epoch of each trial that ended before the search was resumed,
            by the trial's number.
    """

    mode: Literal["min", "max"]
    space: Space[SearchSpace]
    epochs: int
    seed: int = 0
    curves: Mapping[int, Mapping[int, float]] = field(default_factory=dict)


class SchedulerOptions(KindOptions, ABC):
    """Options of a scheduler; a subclass imports Ray only where it builds one.

    Attributes:
        population: Whether the trials are a population: all are proposed at the start and kept
            alive, and one may continue from a copy of another's checkpoint.
        needs_all_trials: Whether it compares trials that must all have started, so that only the
            resources may bound how many run at a time.
    """

    population: ClassVar[bool] = False
    needs_all_trials: ClassVar[bool] = False

    @abstractmethod
    def milestones(self, epochs: int) -> frozenset[int]:
        """Epochs at which the scheduler compares trials: each trial must report right there.

        Args:
            epochs: The longest training in the space.

        Raises:
            SpaceError: They are too many.
        """

    @abstractmethod
    def build(self, setting: SchedulerSetting) -> TrialScheduler:
        """Ray Tune's scheduler, which reads the keys of a result named in `wire`."""


class GracePeriod(SchedulerOptions):
    """Options of a scheduler that leaves every trial alone at first.

    Attributes:
        grace_period: Epochs before a trial may be stopped; None means a fifth of the longest
            training.
    """

    grace_period: Annotated[int, Field(ge=1)] | None = None

    def first_rung(self, epochs: int) -> int:
        """Epochs before the scheduler looks at a trial for the first time.

        Args:
            epochs: The longest training in the space.
        """
        return min(self.grace_period or max(1, epochs // 5), epochs)


def multiples(step: int, last: int) -> frozenset[int]:
    """``step``, ``2 * step``, and so on, up to ``last``.

    Raises:
        SpaceError: They are more than `MAX_LOOKS`.
    """
    if last // step > MAX_LOOKS:
        raise SpaceError(
            f"a scheduler that looks every {step} epochs would look {last // step} times at a "
            f"training of {last}, and at most {MAX_LOOKS} are taken; give it a longer interval or "
            "grace_period, or fewer epochs"
        )
    return frozenset(range(step, last + 1, step))


def powers(first: int, factor: int, last: int) -> frozenset[int]:
    """``first``, ``first * factor``, and so on; none but the first may be above ``last``."""
    found = {first}
    while max(found) * factor <= last:
        found.add(max(found) * factor)
    return frozenset(found)
