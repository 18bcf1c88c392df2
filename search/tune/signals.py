"""Signals of the operating system end a search in good order."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tuneyard.search.tune.stopper import SearchStopper


@contextmanager
def stop_on_signals(stopper: SearchStopper) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the search in good order; a second one ends it at once.

    A SIGHUP that is ignored, as under ``nohup``, stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watched = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        watched.append(signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in watched}
    terminals = [stream for stream in (1, 2) if os.isatty(stream)]

    def handle(number: int, _frame: FrameType | None) -> None:
        stopper.stop("interrupt")
        for one in watched:
            signal.signal(one, before[one])
        if number == signal.SIGHUP:
            _leave(terminals)

    for number in watched:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in watched:
            signal.signal(number, before[number])


def _leave(terminals: list[int]) -> None:
    """What is written to a terminal that is gone would raise an error: it goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in terminals:
        os.dup2(nowhere, stream)
    os.close(nowhere)
