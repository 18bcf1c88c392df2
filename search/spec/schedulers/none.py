"""No scheduler: nothing is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from tuneyard.search.spec.schedulers.base import SchedulerOptions, SchedulerSetting

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


class NoScheduler(SchedulerOptions):
    """Every trial runs to its own end."""

    summary: ClassVar[str] = "every trial runs to its own end"

    kind: Literal["none"] = "none"

    def milestones(self, epochs: int) -> frozenset[int]:
        """See `SchedulerOptions.milestones`."""
        return frozenset()

    def build(self, setting: SchedulerSetting) -> TrialScheduler:
        """See `SchedulerOptions.build`."""
        from ray.tune.schedulers import FIFOScheduler

        from tuneyard.search.spec.schedulers.tune_mixins import LetsActorsStart

        class FIFO(LetsActorsStart, FIFOScheduler):
            pass

        return FIFO()  # type: ignore[no-untyped-call]
