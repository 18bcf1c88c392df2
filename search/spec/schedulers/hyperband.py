"""HyperBand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tuneyard.search.spec.schedulers.base import SchedulerOptions, SchedulerSetting, powers

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


class HyperBand(SchedulerOptions):
    """HyperBand (Li et al., 2018): successive halving in brackets that wait for each other.

    Attributes:
        reduction_factor: One in so many trials passes a rung.
    """

    summary: ClassVar[str] = "brackets of successive halving"
    # a trial is paused until its bracket is full
    needs_all_trials: ClassVar[bool] = True

    kind: Literal["hyperband"] = "hyperband"
    reduction_factor: Annotated[int, Field(ge=2)] = 3

    def milestones(self, epochs: int) -> frozenset[int]:
        """See `SchedulerOptions.milestones`: each bracket's rungs, rounded as Ray rounds them."""
        factor = self.reduction_factor
        found: set[int] = set()
        for halvings in range(round(math.log(epochs) / math.log(factor)) + 1):
            found |= powers(int(epochs * factor**-halvings) or epochs, factor, epochs)
        return frozenset(found)

    def build(self, setting: SchedulerSetting) -> TrialScheduler:
        """See `SchedulerOptions.build`."""
        from tuneyard.search.spec.schedulers.hyperband_brackets import ReopensBrackets
        from tuneyard.search.spec.schedulers.tune_mixins import by_best_value

        return ReopensBrackets(
            max_t=setting.epochs,
            reduction_factor=self.reduction_factor,
            # brackets end at 99 or 81 of 100 epochs: who survives them trains to its end
            stop_last_trials=False,
            **by_best_value(setting),
        )
