"""The median stopping rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tuneyard.search.spec.schedulers.base import GracePeriod, SchedulerSetting, multiples

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


class Median(GracePeriod):
    """Stops a trial whose best is below the median of the others' means (Golovin et al., 2017).

    Attributes:
        min_trials: Trials to compare with before any is stopped.
    """

    summary: ClassVar[str] = "stops what is worse than the median"

    kind: Literal["median"] = "median"
    min_trials: Annotated[int, Field(ge=1)] = 3

    def milestones(self, epochs: int) -> frozenset[int]:
        """See `SchedulerOptions.milestones`."""
        return multiples(self.first_rung(epochs), epochs)

    def build(self, setting: SchedulerSetting) -> TrialScheduler:
        """See `SchedulerOptions.build`."""
        from ray.tune.schedulers import MedianStoppingRule

        from tuneyard.search.spec.schedulers.tune_mixins import (
            LetsActorsStart,
            SparesBaseline,
            by_best_value,
        )

        class SparingMedianRule(SparesBaseline, LetsActorsStart, MedianStoppingRule):
            pass

        return SparingMedianRule(
            grace_period=self.first_rung(setting.epochs),
            min_samples_required=self.min_trials,
            **by_best_value(setting),
        )
