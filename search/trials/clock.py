"""`Clock`: how long a search has taken and how long it may still take."""

from __future__ import annotations

import time


class Clock:
    """The clock of a search since it was started or resumed.

    Args:
        trials: Trials that are to end from now on, those that ended before not among them.
        seconds: Wall-clock budget from now on; None without one.
        before: Seconds that the search took before it was resumed.

    Attributes:
        ended: Trials that have ended since.
    """

    def __init__(self, trials: int, seconds: float | None, before: float = 0.0) -> None:
        self._trials = trials
        self._seconds = seconds
        self._before = before
        self._started = time.monotonic()
        self.ended = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the search was started or resumed."""
        return time.monotonic() - self._started

    @property
    def total(self) -> float:
        """Seconds that the search has taken, those before it was resumed among them."""
        return self._before + self.elapsed

    @property
    def remaining(self) -> float | None:
        """Estimate of the seconds that remain: by trials, at most the budget."""
        by_time = self._seconds - self.elapsed if self._seconds else None
        if not self.ended:
            return by_time
        by_trials = self.elapsed / self.ended * (self._trials - self.ended)
        return max(0.0, by_trials if by_time is None else min(by_time, by_trials))
