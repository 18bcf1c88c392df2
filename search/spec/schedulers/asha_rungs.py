"""Ray Tune's ASHA with rungs that outlast a crash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler

from tuneyard.search.spec.schedulers.tune_mixins import LetsActorsStart, SparesBaseline
from tuneyard.trainables.worker.assignment import BASELINE


class RecallsRungs(SparesBaseline, LetsActorsStart, ASHAScheduler):
    """ASHA that continues after a crash with the rungs that it had."""

    def recall(self, curves: Mapping[int, Mapping[int, float]]) -> None:
        """Fills the rungs.

        Args:
            curves: See `SchedulerSetting.curves`.
        """
        (bracket,) = self._brackets
        sign = 1 if self._mode == "max" else -1
        for number, curve in curves.items():
            reports = sorted(curve.items())
            # a rung takes the baseline's value only when the baseline has ended
            for epoch, value in reports[-1:] if number == BASELINE else reports:
                ended = cast("Trial", _Ended(str(number)))
                bracket.on_result(ended, epoch, sign * value)


@dataclass(frozen=True)
class _Ended:
    """All that a rung asks of a trial."""

    trial_id: str
