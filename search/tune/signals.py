"""Signals of the operating system end a search in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tuneyard.search.tune.events import SearchStopper


@contextmanager
def stop_on_signals(stopper: SearchStopper) -> Iterator[None]:
    """SIGINT and SIGTERM end the search in good order; a second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watched = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in watched}

    def handle(_number: int, _frame: FrameType | None) -> None:
        stopper.stop("interrupt")
        for one in watched:
            signal.signal(one, before[one])

    for number in watched:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in watched:
            signal.signal(number, before[number])
