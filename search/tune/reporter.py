"""A reporter of Ray Tune that reports nothing: the display of a search is ours."""

from __future__ import annotations

from ray import tune
from ray.tune.experiment import Trial


class SilentReporter(tune.ProgressReporter):
    """Keeps Tune's own reporter away, which in a notebook clears the output to draw a table."""

    def should_report(self, trials: list[Trial], done: bool = False) -> bool:
        """Never."""
        return False

    def report(self, trials: list[Trial], done: bool, *sys_info: str) -> None:
        """Nothing."""
