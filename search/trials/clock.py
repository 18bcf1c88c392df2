"""How long a search has run and how long it may still take."""

from __future__ import annotations

import time


class Pace:
    """The clock of one run of a search.

    Args:
        trials: Trials that this run is to end, those of earlier runs not among them.
        seconds: Wall-clock budget of this run; None without one.
        before: Seconds that the search has run before.
    """

    def __init__(self, trials: int, seconds: float | None, before: float = 0.0) -> None:
        self._trials = trials
        self._seconds = seconds
        self._before = before
        self._started = time.monotonic()
        self.ended = 0

    @property
    def gone(self) -> float:
        """Seconds since this run started."""
        return time.monotonic() - self._started

    @property
    def wall(self) -> float:
        """Seconds that the search has run, over all its runs."""
        return self._before + self.gone

    @property
    def left(self) -> float | None:
        """Estimate of the seconds that are left: by trials, at most the budget."""
        by_time = self._seconds - self.gone if self._seconds else None
        if not self.ended:
            return by_time
        by_trials = self.gone / self.ended * (self._trials - self.ended)
        return max(0.0, by_trials if by_time is None else min(by_time, by_trials))
