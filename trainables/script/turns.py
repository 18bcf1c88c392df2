"""`Turns`: a user's function in a thread of its own, which runs only when it is its turn."""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

logger = logging.getLogger(__name__)

END_SECONDS = 10.0
"""How long a function that is to end may go on."""


class TrialEnded(BaseException):
    """Ends a user's function outside of a loop over `Trial.epochs`; not an error to be caught."""


class Turns:
    """Runs a function step by step: it says itself where a step ends.

    The function needs no knowledge of threads: at any time either it runs or its caller.

    Args:
        function: What is run; it calls `hand_over` at the end of each step.

    Attributes:
        returned: Whether the function has ended.
        error: What it raised; None if it raised nothing, or was ended.
    """

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._go = threading.Semaphore(0)
        self._stopped: SimpleQueue[None] = SimpleQueue()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="trial", daemon=True)
        self.returned = False
        self.error: BaseException | None = None

    def step(self) -> None:
        """Runs the function to the end of its step, or to its own end."""
        if not self._thread.is_alive():
            self._thread.start()
        self._go.release()
        self._stopped.get()

    def hand_over(self) -> bool:
        """Ends a step; called by the function. False asks it to end."""
        self._stopped.put(None)
        self._go.acquire()
        return not self._ending

    def end(self) -> None:
        """Ends the function: at its next `hand_over`, and if need be before."""
        self._ending = True
        if not self._thread.is_alive():
            return
        self._go.release()
        self._thread.join(END_SECONDS)
        if self._thread.is_alive():
            self._interrupt()
            self._thread.join(END_SECONDS)
        if self._thread.is_alive():
            logger.warning("the function of the trial before goes on beside the next trial")

    def _interrupt(self) -> None:
        """Raises `TrialEnded` in the function, as soon as it runs code of Python."""
        assert self._thread.ident is not None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(self._thread.ident), ctypes.py_object(TrialEnded)
        )

    def _run(self) -> None:
        self._go.acquire()
        process = os.getpid()
        try:
            if not self._ending:
                self._function()
        except TrialEnded:
            pass
        # a user's code may raise anything, SystemExit too; whoever called `step` raises it again
        except BaseException as error:
            self.error = error
        if os.getpid() != process:
            # the function forked: the other process is its caller's
            os._exit(0)
        self.returned = True
        self._stopped.put(None)
