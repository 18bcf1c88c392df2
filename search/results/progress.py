"""The live display of a search on stderr; plain lines where stderr is not a terminal."""

from __future__ import annotations

import time
from operator import itemgetter

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tuneyard.search.results.comparison import best_against_baseline
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.trials.clock import Clock
from tuneyard.search.trials.listener import History, TrialListener
from tuneyard.search.trials.record import FAILURES, TrialRecord
from tuneyard.spaces import to_text
from tuneyard.trainables.worker.assignment import BASELINE

LINE_SECONDS = 10.0
"""Without a terminal, the shortest time between two lines."""

TOP = 5


class Progress(TrialListener):
    """A listener that shows how a search is doing.

    Args:
        search: What is searched.
        clock: Its clock.
        show: Whether to show anything at all.
        console: Where; stderr by default.
    """

    def __init__(
        self,
        search: ResolvedSpec,
        clock: Clock,
        *,
        show: bool,
        console: Console | None = None,
    ) -> None:
        self._budget = search.spec.trials
        self._objective = search.task.objective
        self._console = console or Console(stderr=True, quiet=not show)
        self._records: dict[int, TrialRecord] = {}
        self._clock = clock
        self._ended = 0
        self._said = 0.0
        self._live = Live(
            get_renderable=self._render,
            console=self._console,
            refresh_per_second=4,
            transient=True,
        )

    def search_started(self) -> None:
        """Starts the live display, on a terminal."""
        if self._console.is_terminal:
            self._live.start()

    def search_ended(self) -> None:
        """Ends the live display, and leaves its last line."""
        if self._console.is_terminal:
            self._live.stop()
        self._say(self._line())

    def restored(self, record: TrialRecord) -> None:
        """Counts a trial that ended before this start of the search."""
        self._records[record.number] = record
        self._ended += 1

    def started(self, record: TrialRecord) -> None:
        """A trial runs."""
        self._records[record.number] = record

    def progressed(self, record: TrialRecord, history: History) -> None:
        """A trial trained some epochs."""
        self._maybe_say()

    def ended(self, record: TrialRecord) -> None:
        """A trial ended."""
        self._ended += 1
        if record.state == "failed":
            self._say(f"trial {record.number} failed: {record.reason}")
        self._maybe_say()

    def _maybe_say(self) -> None:
        now = time.monotonic()
        if not self._console.is_terminal and now - self._said >= LINE_SECONDS:
            self._said = now
            self._say(self._line())

    def _say(self, line: str) -> None:
        """Prints a line as it is: not wrapped, and nothing in it read as markup."""
        self._console.print(Text(line), soft_wrap=True)

    def _line(self) -> str:
        """The search in one line."""
        records = list(self._records.values())
        running = sum(record.state == "running" for record in records)
        pruned = sum(record.state == "pruned" for record in records)
        failed = sum(record.state in FAILURES for record in records)
        parts = [
            f"{self._ended}/{self._budget} trials",
            f"{running} running",
            f"{pruned} pruned",
            f"{failed} failed",
            self._best(),
            self._times(),
        ]
        return " · ".join(part for part in parts if part)

    def _best(self) -> str:
        """The best so far against the baseline."""
        best = next(iter(self._ranked()), None)
        if best is None:
            return ""
        baseline = self._records.get(BASELINE)
        return best_against_baseline(
            self._objective.metric,
            best.value,
            baseline.value if baseline else None,
            best.number,
        )

    def _times(self) -> str:
        """Time elapsed since this start of the search, and the estimate of what remains."""
        remaining = self._clock.remaining
        return f"{_minutes(self._clock.elapsed)} elapsed" + (
            f", {_minutes(max(remaining, 0))} remaining" if remaining is not None else ""
        )

    def _ranked(self) -> list[TrialRecord]:
        """Trials with a value that did not fail, the best first."""
        valued = [
            (self._objective.cost(record.value), record)
            for record in self._records.values()
            if record.value is not None and record.state not in FAILURES
        ]
        return [record for _, record in sorted(valued, key=itemgetter(0))]

    def _render(self) -> Group:
        """Bar, line and the top trials, for a terminal."""
        table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
        for column in ("trial", "state", "epoch", self._objective.metric):
            table.add_column(column, no_wrap=True)
        # configs are long: they take the width that remains
        table.add_column("config", no_wrap=True, overflow="ellipsis", ratio=1)
        for record in self._ranked()[:TOP]:
            table.add_row(
                str(record.number),
                record.state,
                str(record.epoch),
                f"{record.value:.4g}",
                Text(", ".join(f"{path}={_short(value)}" for path, value in record.params.items())),
            )
        bar = ProgressBar(total=self._budget, completed=self._ended, width=60)
        return Group(bar, Text(self._line()), table)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else to_text(value)


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
