"""The live display of a search's trials."""

from __future__ import annotations

import time
from operator import itemgetter

from tuneyard.search.results.comparison import best_against_baseline
from tuneyard.search.results.screens import Screen, Standing
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.trials.clock import Clock
from tuneyard.search.trials.listener import History, TrialListener
from tuneyard.search.trials.record import FAILURES, TrialRecord
from tuneyard.trainables.worker.assignment import BASELINE

TOP = 5


class Progress(TrialListener):
    """A listener that shows how a search is doing.

    Args:
        search: What is searched.
        clock: Its clock.
        screen: Where it is shown.
    """

    def __init__(self, search: ResolvedSpec, clock: Clock, screen: Screen) -> None:
        self._budget = search.spec.trials
        self._objective = search.task.objective
        self._screen = screen
        self._records: dict[int, TrialRecord] = {}
        self._clock = clock
        self._ended = 0
        self._shown = 0.0
        self._traced = False
        self._waits = False
        self._answered = False

    def search_started(self) -> None:
        """Shows the trials."""
        self._screen.start(self._standing)

    def search_ended(self) -> None:
        """Leaves the last lines."""
        self._answer()
        self._screen.stop(self._standing())

    def restored(self, record: TrialRecord) -> None:
        """Counts a trial that ended before this start of the search."""
        self._records[record.number] = record
        self._ended += 1

    def started(self, record: TrialRecord) -> None:
        """A trial runs."""
        self._records[record.number] = record
        if not self._waits:
            self._waits = True
            self._screen.phase("waiting for the first result")

    def progressed(self, record: TrialRecord, history: History) -> None:
        """A trial trained some epochs."""
        self._answer()
        self._maybe_refresh()

    def ended(self, record: TrialRecord) -> None:
        """A trial ended."""
        self._answer()
        self._ended += 1
        if record.state == "failed":
            if record.traceback and not self._traced:
                # once: most trials fail in the same way, and each run in MLflow has its own
                self._screen.say(record.traceback.rstrip())
                self._traced = True
            self._screen.say(f"trial {record.number} failed: {record.reason}")
        self._maybe_refresh()

    def _answer(self) -> None:
        """There is a first result: from now on the trials say what is done."""
        if not self._answered:
            self._answered = True
            self._screen.phase("")

    def _maybe_refresh(self) -> None:
        now = time.monotonic()
        if now - self._shown >= self._screen.seconds:
            self._shown = now
            self._screen.refresh(self._standing())

    def _standing(self) -> Standing:
        """How the search stands, with the top trials."""
        top = self._ranked()[:TOP]
        return Standing(
            self._ended,
            self._budget,
            self._counts(),
            tuple(fact for fact in (self._best(), self._times()) if fact),
            ("trial", "state", "epoch", self._objective.metric),
            tuple((str(one.number), one.state, str(one.epoch), f"{one.value:.4g}") for one in top),
            tuple(one.params for one in top),
        )

    def _counts(self) -> tuple[str, ...]:
        """How many trials there are, by how they do."""
        records = list(self._records.values())
        running = sum(record.state == "running" for record in records)
        pruned = sum(record.state == "pruned" for record in records)
        failed = sum(record.state in FAILURES for record in records)
        return (
            f"{self._ended}/{self._budget} trials",
            f"{running} running",
            f"{pruned} pruned",
            f"{failed} failed",
        )

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
            # as a list: a terminal asks from a thread of its own, while trials start
            for record in list(self._records.values())
            if record.value is not None and record.state not in FAILURES
        ]
        return [record for _, record in sorted(valued, key=itemgetter(0))]


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
