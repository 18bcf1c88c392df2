"""Population based training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tuneyard.search.spec.schedulers.base import SchedulerOptions, SchedulerSetting, multiples

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


class PBT(SchedulerOptions):
    """Population based training (Jaderberg et al., 2017); the trials are the population.

    A trial in the lowest quarter continues from a copy of one in the highest, with its optimizer's
    numbers multiplied by 0.8 or 1.2, or drawn anew.

    Attributes:
        interval: Epochs between changes; None means a tenth of the longest training.
        quantile: The share of trials that copy, and of those that are copied.
        resample: Probability that a number is drawn anew.
    """

    summary: ClassVar[str] = "population based training"
    population: ClassVar[bool] = True
    needs_all_trials: ClassVar[bool] = True

    kind: Literal["pbt"] = "pbt"
    interval: Annotated[int, Field(ge=1)] | None = None
    quantile: Annotated[float, Field(gt=0, le=0.5)] = 0.25
    resample: Annotated[float, Field(ge=0, le=1)] = 0.25

    def step(self, epochs: int) -> int:
        """Epochs between changes.

        Args:
            epochs: The longest training in the space.
        """
        return min(self.interval or max(1, epochs // 10), epochs)

    def milestones(self, epochs: int) -> frozenset[int]:
        """See `SchedulerOptions.milestones`."""
        return multiples(self.step(epochs), epochs)

    def build(self, setting: SchedulerSetting) -> TrialScheduler:
        """See `SchedulerOptions.build`."""
        from tuneyard.search.spec.schedulers.pbt_moves import build_pbt

        return build_pbt(self.step(setting.epochs), self.quantile, self.resample, setting)
