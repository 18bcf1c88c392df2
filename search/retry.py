"""`Backoff`: how long a thread that must not lose anything waits before it tries again."""

from __future__ import annotations

import time


class Backoff:
    """Waits that double from one failure to the next, until there is no time left.

    Args:
        first: Seconds of the first wait.
        longest: Seconds that no wait exceeds.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first = min(first, longest)
        self._longest = longest
        self._next = self._first
        self._until: float | None = None

    def give_up_after(self, seconds: float) -> None:
        """Sets a time limit, from now on; without one there is always time left."""
        self._until = time.monotonic() + seconds

    @property
    def gave_up(self) -> bool:
        """Whether there is no time left."""
        return self._until is not None and time.monotonic() >= self._until

    def wait(self) -> float:
        """Seconds to wait now, after a failure: twice as long as the last time."""
        wait, self._next = self._next, min(2 * self._next, self._longest)
        if self._until is not None:
            wait = min(wait, max(0.0, self._until - time.monotonic()))
        return wait

    def reset(self) -> None:
        """Starts over, after a success."""
        self._next = self._first
