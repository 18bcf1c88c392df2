"""The display of a search: one screen, from the first word to the result."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TextIO, cast

from rich.console import Console

from tuneyard.search.results.screens import Log, Screen, Terminal

_open: ContextVar[Screen | None] = ContextVar("open screen", default=None)


@contextmanager
def displayed(show: bool, console: Console | None = None) -> Iterator[Screen]:
    """Opens the display of a search; within another one it is the same display.

    Args:
        show: Whether to show anything at all.
        console: Where; None means the notebook if there is one, else stderr.
    """
    if show and _open.get() is not None:
        yield current_screen()
        return
    screen = _screen(console) if show else None
    token = _open.set(screen)
    try:
        yield current_screen()
    finally:
        _open.reset(token)
        if screen is not None:
            screen.close()


def current_screen() -> Screen:
    """The screen of the display that is open; one that shows nothing where none is."""
    return _open.get() or Screen()


def announce(what: str) -> None:
    """Says what a search does from now on, where a display is open.

    Args:
        what: In a few words, such as ``starting Ray``.
    """
    current_screen().phase(what)


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    if "IPython" not in sys.modules:
        return False
    from tuneyard.search.results.notebook import has_kernel

    return has_kernel()


def _screen(console: Console | None) -> Screen:
    if console is None and in_notebook():
        from tuneyard.search.results.notebook import Notebook

        return Notebook()
    console = console or Console(file=cast("TextIO", _Lasting(sys.stderr)))
    live = console.is_terminal and not console.is_dumb_terminal
    return Terminal(console) if live else Log(console)


class _Lasting:
    """A stream that may be written to after its terminal was closed: the search must go on.

    Args:
        stream: That is written to; it has all that is not here.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()
