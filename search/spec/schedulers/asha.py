"""ASHA, the default scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tuneyard.search.spec.schedulers.base import GracePeriod, SchedulerSetting, powers

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


class ASHA(GracePeriod):
    """Asynchronous successive halving (Li et al., 2020).

    Attributes:
        grace_period: Epochs before the first rung; None means a fifth of the longest training.
        reduction_factor: One in so many trials passes a rung.
    """

    summary: ClassVar[str] = "asynchronous successive halving"

    kind: Literal["asha"] = "asha"
    reduction_factor: Annotated[int, Field(ge=2)] = 3

    def milestones(self, epochs: int) -> frozenset[int]:
        """See `SchedulerOptions.milestones`."""
        return powers(self.first_rung(epochs), self.reduction_factor, epochs)

    def build(self, setting: SchedulerSetting) -> TrialScheduler:
        """See `SchedulerOptions.build`; the rungs hold the trials that ended before."""
        from tuneyard.search.spec.schedulers.asha_rungs import RecallsRungs
        from tuneyard.search.spec.schedulers.tune_mixins import by_best_value

        scheduler = RecallsRungs(
            max_t=setting.epochs,
            grace_period=self.first_rung(setting.epochs),
            reduction_factor=self.reduction_factor,
            **by_best_value(setting),
        )
        scheduler.recall(setting.curves)
        return scheduler
