"""Ray Tune's HyperBand with brackets in which no trial waits for ever."""

from __future__ import annotations

from ray.tune.execution.tune_controller import TuneController
from ray.tune.schedulers import HyperBandScheduler
from ray.tune.schedulers.hyperband import _Bracket

from tuneyard.search.spec.schedulers.tune_mixins import SparesBaseline


class ReopensBrackets(SparesBaseline, HyperBandScheduler):
    """HyperBand whose paused trials continue when those that they wait for end by themselves.

    Ray marks a bracket as being processed and never takes that back: after the first rung a trial
    that stops early, diverges or meets the deadline would leave the others waiting for ever.
    """

    def _process_bracket(self, tune_controller: TuneController, bracket: _Bracket) -> str:
        try:
            return super()._process_bracket(tune_controller, bracket)
        finally:
            bracket.is_being_processed = False
