"""What a person sees of a running search, on a terminal and in a log."""

import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from rich.console import Console

from tuneyard.search.results import progress
from tuneyard.search.results.progress import Progress
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.trials import clock as clock_module
from tuneyard.search.trials.clock import Clock
from tuneyard.search.trials.record import State, TrialRecord
from tuneyard.spaces.objective import Objective


def ranked_by(objective: Objective, spec: SearchSpec) -> ResolvedSpec:
    """A search whose trials are ranked by another objective than its task's."""
    search = ResolvedSpec.of(spec)
    return replace(search, task=replace(search.task, objective=objective))


class Seconds:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    clock = Seconds()
    for module in (clock_module, progress):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


@contextmanager
def from_start_to_end(shown: Progress) -> Iterator[None]:
    """A search from its start to its end."""
    shown.search_started()
    try:
        yield
    finally:
        shown.search_ended()


class Shown:
    """A search shown on a console of its own; `before` are trials that ended in earlier runs."""

    def __init__(
        self,
        *,
        terminal: bool,
        mode: Literal["min", "max"] = "min",
        width: int = 80,
        before: int = 0,
        **spec: Any,
    ) -> None:
        self.file = io.StringIO()
        console = Console(file=self.file, force_terminal=terminal, width=width, height=30)
        search = parse_spec({"task": "diabetes", "trials": 10} | spec)
        self.clock = Clock(search.trials - before, search.time, 500.0 if before else 0.0)
        resolved = ranked_by(Objective("val_loss", mode), search)
        self.progress = Progress(resolved, self.clock, show=True, console=console)

    def trial(
        self, number: int, value: float | None = None, state: State = "completed", **more: Any
    ) -> TrialRecord:
        """A trial that starts, reports, and ends unless it is to run on."""
        record = TrialRecord(number, {"optimizer.kind": "sgd", "lr": 0.123456}, **more)
        self.progress.started(record)
        if value is not None:
            record.value, record.epoch = value, 5
            self.progress.progressed(record, {"val_loss": [value]})
        record.state = state
        if state != "running":
            self.clock.ended += 1  # as the recorder does, which is told before
            self.progress.ended(record)
        return record

    def table(self, has: str) -> list[str]:
        """The rows of the live table as last shown, once something is in it."""
        end = time.monotonic() + 10
        while has not in (shown := self.text.rpartition("trial  state")[2]):
            assert time.monotonic() < end, self.text
            time.sleep(0.05)
        return f"trial  state{shown}".splitlines()

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.file.getvalue())

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def test_the_line_of_a_log(clock: Seconds) -> None:
    shown = Shown(terminal=False, width=40)
    with from_start_to_end(shown.progress):
        clock.now += 1
        shown.trial(0, 0.8)
        shown.trial(1, 0.41234567)
        clock.now += 29
        shown.trial(2, 0.9, "pruned", checkpoint="x")
        shown.trial(3, None, "diverged")
        shown.trial(4, 0.7, "running")
    # one whole line, however narrow the console
    assert shown.lines[-1] == (
        "4/10 trials · 1 running · 1 pruned · 1 failed · "
        "val_loss 0.4123 (trial 1), baseline 0.8 · 0:30 elapsed, 0:45 remaining"
    )


def test_a_log_is_told_every_ten_seconds(clock: Seconds) -> None:
    shown = Shown(terminal=False)
    record = TrialRecord(0, {})
    with from_start_to_end(shown.progress):
        shown.progress.started(record)
        for _ in range(35):
            clock.now += 1
            shown.progress.progressed(record, {"val_loss": [0.5]})
        told = [line.rsplit(" · ", 1)[1] for line in shown.lines]
    assert told == ["0:01 elapsed", "0:11 elapsed", "0:21 elapsed", "0:31 elapsed"]
    assert shown.lines[-1].endswith("0:35 elapsed")


def test_a_search_without_a_trial_yet(clock: Seconds) -> None:
    shown = Shown(terminal=False)
    with from_start_to_end(shown.progress):
        clock.now += 3661
    assert shown.lines == ["0/10 trials · 0 running · 0 pruned · 0 failed · 61:01 elapsed"]


@pytest.mark.parametrize(
    ("budget", "elapsed", "ended", "remaining"),
    [
        (None, 30, 3, "1:10"),
        ("60s", 30, 3, "0:30"),
        ("1h", 30, 3, "1:10"),
        ("60s", 90, 3, "0:00"),
        ("60s", 10, 0, "0:50"),
        (None, 30, 10, "0:00"),
    ],
)
def test_what_is_left(
    clock: Seconds, budget: str | None, elapsed: float, ended: int, remaining: str
) -> None:
    shown = Shown(terminal=False, **({"time": budget} if budget else {}))
    with from_start_to_end(shown.progress):
        for number in range(ended):
            shown.trial(number, 0.5)
        clock.now += elapsed
    assert shown.lines[-1].endswith(f"elapsed, {remaining} remaining")


def test_a_resumed_search_counts_what_was_before(clock: Seconds) -> None:
    shown = Shown(terminal=False, before=4)
    for number, state in enumerate(("completed", "pruned", "diverged", "completed")):
        record = TrialRecord(number, {}, state=state, value=1.0 - number / 10)  # type: ignore[arg-type]
        shown.progress.restored(record)
    with from_start_to_end(shown.progress):
        shown.trial(4, 0.9)
        clock.now += 10
    # the first run's trials were ended in its own time
    assert shown.lines[-1] == (
        "5/10 trials · 0 running · 1 pruned · 1 failed · "
        "val_loss 0.7 (trial 3), baseline 1 · 0:10 elapsed, 0:50 remaining"
    )
    assert shown.clock.total == 510.0


@pytest.mark.parametrize(("mode", "best"), [("min", "0.2 (trial 2)"), ("max", "0.9 (trial 1)")])
def test_the_best_so_far_did_not_fail(
    clock: Seconds, mode: Literal["min", "max"], best: str
) -> None:
    shown = Shown(terminal=False, mode=mode)
    with from_start_to_end(shown.progress):
        shown.trial(0, 0.5)
        shown.trial(1, 0.9)
        shown.trial(2, 0.2)
        shown.trial(3, 0.1, "diverged")
        shown.trial(4, 1.1, "failed", reason="ValueError")
    assert f"val_loss {best}, baseline 0.5" in shown.lines[-1]


REASONS = [
    "ValueError: shapes [4, 3] and [/bold] differ",
    "KeyError: '[red]x[/red]' :warning: " + "very long " * 30,
]


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("reason", REASONS)
def test_a_failure_is_printed_as_it_is(clock: Seconds, terminal: bool, reason: str) -> None:
    shown = Shown(terminal=terminal, width=60)
    with from_start_to_end(shown.progress):
        shown.trial(7, None, "failed", reason=reason)
        assert f"trial 7 failed: {reason}\n" in shown.text.replace("\r", "")


def test_only_failures_have_a_line_of_their_own(clock: Seconds) -> None:
    shown = Shown(terminal=False)
    with from_start_to_end(shown.progress):
        clock.now += 1
        shown.trial(0, 0.5)
        for number, state in enumerate(("pruned", "diverged", "out_of_memory", "early_stopped"), 1):
            shown.trial(number, 0.5, state)  # type: ignore[arg-type]
    assert len(shown.lines) == 2
    assert all(" trials · " in line for line in shown.lines)


def test_a_terminal_shows_the_five_best() -> None:
    shown = Shown(terminal=True, width=120)
    with from_start_to_end(shown.progress):
        for number, value in enumerate([0.8, 0.31, 0.72, 0.55, 0.44, 0.93]):
            shown.trial(number, value)
        running = shown.trial(6, 0.123456, "running")
        running.params["word"] = "[/odd] [x]"
        table = shown.table("[/odd]")
    assert re.split(r"  +", table[0].strip()) == ["trial", "state", "epoch", "val_loss", "config"]
    assert [row.split()[0] for row in table[1:6]] == ["6", "1", "4", "3", "2"]
    first = re.split(r"  +", table[1].strip())
    assert first[:4] == ["6", "running", "5", "0.1235"]
    assert first[4] == "optimizer.kind=sgd, lr=0.123, word=[/odd] [x]"
    assert "6/10 trials · 1 running" in shown.text
    assert "━" in shown.text
    # what stays is one line
    assert shown.lines[-1].startswith("6/10 trials · 1 running · ")


def test_a_terminal_cuts_configs_and_nothing_else() -> None:
    shown = Shown(terminal=True, width=60)
    with from_start_to_end(shown.progress):
        for number in range(3):
            record = shown.trial(number, 0.5, "early_stopped")
            record.params |= {f"optimizer.sgd.parameter{index}": 0.5 for index in range(20)}
        table = shown.table("2      early_stopped")
    for number, row in enumerate(table[1:4]):
        columns = re.split(r"  +", row.strip())
        assert columns[:4] == [str(number), "early_stopped", "5", "0.5"]
        assert columns[4].startswith("optimizer.kind=sgd")
        assert columns[4].endswith("…")
        assert len(row) <= 60


LOSS = ranked_by(Objective("val_loss", "min"), parse_spec({"task": "diabetes"}))


def test_nothing_is_shown_unasked(capfd: pytest.CaptureFixture[str]) -> None:
    silent = Progress(LOSS, Clock(50, None), show=False)
    record = TrialRecord(0, {}, state="failed", reason="no")
    with from_start_to_end(silent):
        silent.started(record)
        silent.ended(record)
    assert capfd.readouterr() == ("", "")


def test_it_is_shown_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    loud = Progress(LOSS, Clock(50, None), show=True)
    with from_start_to_end(loud):
        pass
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("0/50 trials · ")
