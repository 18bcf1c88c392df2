"""The live display of a search: on a terminal, in a notebook, as plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from operator import itemgetter

from rich.console import Console

from tuneyard.search.results.comparison import best_against_baseline
from tuneyard.search.results.screens import Log, Screen, Standing, Terminal
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.trials.clock import Clock
from tuneyard.search.trials.listener import History, TrialListener
from tuneyard.search.trials.record import FAILURES, TrialRecord
from tuneyard.spaces import to_text
from tuneyard.trainables.worker.assignment import BASELINE

LINE_SECONDS = 10.0
"""Without a terminal, the shortest time between two lines."""

TOP = 5


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    if "IPython" not in sys.modules:
        return False
    from tuneyard.search.results.notebook import has_kernel

    return has_kernel()


class Progress(TrialListener):
    """A listener that shows how a search is doing.

    Args:
        search: What is searched.
        clock: Its clock.
        show: Whether to show anything at all.
        console: Where; None means the notebook if there is one, else stderr.
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
        self._screen = _screen(show, console)
        self._records: dict[int, TrialRecord] = {}
        self._clock = clock
        self._ended = 0
        self._shown = 0.0
        self._traced = False

    def search_started(self) -> None:
        """Starts the live display."""
        self._screen.start(self._standing)

    def search_ended(self) -> None:
        """Ends the live display, and leaves its last line."""
        self._screen.stop(self._standing())

    def restored(self, record: TrialRecord) -> None:
        """Counts a trial that ended before this start of the search."""
        self._records[record.number] = record
        self._ended += 1

    def started(self, record: TrialRecord) -> None:
        """A trial runs."""
        self._records[record.number] = record

    def progressed(self, record: TrialRecord, history: History) -> None:
        """A trial trained some epochs."""
        self._maybe_refresh()

    def ended(self, record: TrialRecord) -> None:
        """A trial ended."""
        self._ended += 1
        if record.state == "failed":
            if record.traceback and not self._traced:
                # once: most trials fail in the same way, and each run in MLflow has its own
                self._screen.say(record.traceback.rstrip())
                self._traced = True
            self._screen.say(f"trial {record.number} failed: {record.reason}")
        self._maybe_refresh()

    def _maybe_refresh(self) -> None:
        now = time.monotonic()
        if now - self._shown >= self._screen.seconds:
            self._shown = now
            self._screen.refresh(self._standing())

    def _standing(self) -> Standing:
        """How the search stands, with the top trials."""
        rows = tuple(
            (
                str(record.number),
                record.state,
                str(record.epoch),
                f"{record.value:.4g}",
                ", ".join(f"{path}={_short(value)}" for path, value in record.params.items()),
            )
            for record in self._ranked()[:TOP]
        )
        columns = ("trial", "state", "epoch", self._objective.metric, "config")
        return Standing(self._ended, self._budget, self._line(), columns, rows)

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


def _screen(show: bool, console: Console | None) -> Screen:
    if show and console is None and in_notebook():
        from tuneyard.search.results.notebook import Notebook

        return Notebook()
    console = console or Console(stderr=True, quiet=not show)
    return Terminal(console) if show and console.is_terminal else Log(console, LINE_SECONDS)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else to_text(value)


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
