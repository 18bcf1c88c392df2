"""Where the progress of a search is shown: on a terminal, in a log; a notebook is in its module."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Standing:
    """How a search stands.

    Attributes:
        ended: Trials that have ended.
        budget: Trials that it may have.
        line: The search in one line.
        columns: Of the table of the best trials; the last column is long.
        rows: Its rows, the best trial first.
    """

    ended: int
    budget: int
    line: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Screen(ABC):
    """Where a search's progress is shown.

    Attributes:
        seconds: The shortest time between two calls of `refresh`.
    """

    seconds: float

    @abstractmethod
    def start(self, standing: Callable[[], Standing]) -> None:
        """The search starts.

        Args:
            standing: Says how the search stands now; it may be called from another thread.
        """

    @abstractmethod
    def refresh(self, standing: Standing) -> None:
        """Something has changed."""

    @abstractmethod
    def say(self, line: str) -> None:
        """Shows a line that stays, as it is."""

    @abstractmethod
    def stop(self, standing: Standing) -> None:
        """The search has ended; its last line stays."""


class Log(Screen):
    """Plain lines, a new one now and then.

    Args:
        console: Prints them.
        seconds: The shortest time between two lines.
    """

    def __init__(self, console: Console, seconds: float) -> None:
        self._console = console
        self.seconds = seconds

    def start(self, standing: Callable[[], Standing]) -> None:
        """The first line comes with the first change."""

    def refresh(self, standing: Standing) -> None:
        """Prints the search's line."""
        self.say(standing.line)

    def say(self, line: str) -> None:
        """Prints a line as it is: not wrapped, and nothing in it read as markup."""
        self._console.print(Text(line), soft_wrap=True)

    def stop(self, standing: Standing) -> None:
        """Prints the search's last line."""
        self.say(standing.line)


class Terminal(Log):
    """A bar, the search's line and its best trials, drawn again in the same place.

    Args:
        console: Of the terminal.
    """

    def __init__(self, console: Console) -> None:
        # it refreshes itself, from a thread of its own
        super().__init__(console, seconds=float("inf"))

    def start(self, standing: Callable[[], Standing]) -> None:
        """Starts the live display."""
        self._live = Live(
            get_renderable=lambda: _drawn(standing()),
            console=self._console,
            refresh_per_second=4,
            transient=True,
        )
        self._live.start()

    def stop(self, standing: Standing) -> None:
        """Ends the live display, and leaves the search's last line."""
        self._live.stop()
        super().stop(standing)


def _drawn(standing: Standing) -> Group:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    *short, long = standing.columns
    for column in short:
        table.add_column(column, no_wrap=True)
    # configs are long: they take the width that remains
    table.add_column(long, no_wrap=True, overflow="ellipsis", ratio=1)
    for row in standing.rows:
        table.add_row(*(Text(cell) for cell in row))
    bar = ProgressBar(total=standing.budget, completed=standing.ended, width=60)
    return Group(bar, Text(standing.line), table)
