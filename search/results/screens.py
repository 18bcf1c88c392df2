"""Where the progress of a search is shown: on a terminal, in a log; a notebook is in its module."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Timer

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tuneyard.search.results.configs import GAP, differences, fitting
from tuneyard.spaces import Value

BETWEEN = " · "


@dataclass(frozen=True)
class Standing:
    """How a search stands.

    Attributes:
        ended: Trials that have ended.
        budget: Trials that it may have.
        counts: Of its trials.
        facts: Its best value, and its times.
        columns: Of the table of the best trials.
        rows: Its rows, the best trial first.
        configs: The config of each row.
    """

    ended: int
    budget: int
    counts: tuple[str, ...]
    facts: tuple[str, ...]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    configs: tuple[Mapping[str, Value], ...] = ()

    @property
    def line(self) -> str:
        """The search in one line."""
        return BETWEEN.join((*self.counts, *self.facts))

    def lines(self, width: int) -> list[str]:
        """The search in lines that break between two facts, and nowhere else."""
        return [*_folded(self.counts, width), *_folded(self.facts, width)]

    def table(self, width: int) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """The best trials, and as much of what tells their configs apart as fits.

        Args:
            width: Characters of the table.

        Returns:
            Its columns and its rows.
        """
        fixed = zip(self.columns, *self.rows, strict=True)
        taken = sum(max(map(cell_len, column)) + GAP for column in fixed) - GAP
        shown = fitting(differences(self.configs), width - taken)
        rows = [
            (*row, *(cells[index] for cells in shown.values()))
            for index, row in enumerate(self.rows)
        ]
        return (*self.columns, *shown), rows


def _folded(facts: Sequence[str], width: int) -> list[str]:
    lines: list[str] = []
    for fact in facts:
        if lines and cell_len(longer := f"{lines[-1]}{BETWEEN}{fact}") <= width:
            lines[-1] = longer
        else:
            lines.append(fact)
    return lines


class Screen:
    """Where a search's progress is shown; this one shows nothing.

    Attributes:
        seconds: The shortest time between two calls of `refresh`.
    """

    seconds = float("inf")

    def phase(self, what: str) -> None:
        """Says what the search does from now on.

        Args:
            what: In a few words; empty where its standing says enough.
        """

    def start(self, standing: Callable[[], Standing]) -> None:
        """The first trials start.

        Args:
            standing: Says how the search stands now; it may be called from another thread.
        """

    def refresh(self, standing: Standing) -> None:
        """Something has changed."""

    def say(self, line: str) -> None:
        """Shows a line that stays, as it is."""

    def stop(self, standing: Standing) -> None:
        """The last trial has ended; how the search stands then stays to be seen."""

    def close(self) -> None:
        """The search has ended; nothing more will be shown."""


class Log(Screen):
    """Plain lines, a new one now and then.

    Args:
        console: Prints them.
        seconds: The shortest time between two lines about the trials, and how long a phase takes
            that gets a line. What is refused before has one line, its error.
    """

    def __init__(self, console: Console, seconds: float = 10.0) -> None:
        self._console = console
        self._timer: Timer | None = None
        self.seconds = seconds

    def phase(self, what: str) -> None:
        """Prints a line if the phase lasts."""
        self.close()
        if what:
            self._timer = Timer(self.seconds, self.say, [what])
            self._timer.daemon = True
            self._timer.start()

    def refresh(self, standing: Standing) -> None:
        """Prints the search's line."""
        self.say(standing.line)

    def say(self, line: str) -> None:
        """Prints a line as it is: not wrapped, and nothing in it read as markup."""
        self._console.print(Text(line), soft_wrap=True)

    def stop(self, standing: Standing) -> None:
        """Prints the search's last line."""
        self.say(standing.line)

    def close(self) -> None:
        """Forgets the phase that has not lasted."""
        if self._timer is not None:
            self._timer.cancel()


class Terminal(Screen):
    """A bar, the search's lines and its best trials, drawn again in the same place.

    Before and after the trials, and until the first result, a line says what is done.

    Args:
        console: Of the terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._phase = ("", 0.0)
        self._standing: Callable[[], Standing] | None = None
        # it refreshes itself, from a thread of its own
        self._live = Live(
            get_renderable=self._drawn, console=console, refresh_per_second=4, transient=True
        )

    def phase(self, what: str) -> None:
        """Replaces the line that says what is done."""
        self._phase = (what, time.monotonic())
        self._show()

    def start(self, standing: Callable[[], Standing]) -> None:
        """Shows the trials."""
        self._standing = standing
        self._show()

    def say(self, line: str) -> None:
        """Prints a line above the rest, as it is."""
        self._console.print(Text(line), soft_wrap=True)

    def stop(self, standing: Standing) -> None:
        """Leaves the search's last lines in place of the trials."""
        self._standing = None
        self._show()
        for line in standing.lines(self._console.width):
            self.say(line)

    def close(self) -> None:
        """Wipes away what does not stay."""
        self._live.stop()

    def _show(self) -> None:
        if self._live.is_started:
            self._live.refresh()
        else:
            self._live.start(refresh=True)

    def _drawn(self) -> RenderableType:
        what, since = self._phase
        seconds = int(time.monotonic() - since)
        phase = Text(f"{what}, {seconds} s" if what and seconds else what)
        if self._standing is None:
            return phase
        standing, width = self._standing(), self._console.width
        bar = ProgressBar(total=standing.budget, completed=standing.ended, width=60)
        # a bar by itself does not end its line
        parts: list[RenderableType] = [Padding(bar, 0), *map(Text, standing.lines(width))]
        if what:
            parts.append(phase)
        if standing.rows:
            parts.append(_drawn_table(standing, width))
        return Group(*parts)


def _drawn_table(standing: Standing, width: int) -> Table:
    columns, rows = standing.table(width)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(Text(column), no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    return table
