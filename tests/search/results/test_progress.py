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
from tuneyard.search.results.screens import Log, Terminal
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
        self.screen = Terminal(console) if terminal else Log(console)
        self.progress = Progress(resolved, self.clock, self.screen)

    @contextmanager
    def search(self) -> Iterator[None]:
        """A search from its start to its end."""
        self.progress.search_started()
        try:
            yield
        finally:
            self.progress.search_ended()
            self.screen.close()

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

    def drawn(self, has: str) -> list[str]:
        """The live display as it was last drawn, once something is in it."""
        end = time.monotonic() + 10
        while has not in (shown := f"━{self.text.rpartition('━━━')[2]}"):
            assert time.monotonic() < end, self.text
            time.sleep(0.05)
        return [line.rstrip() for line in shown.splitlines()]

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.file.getvalue())

    @property
    def lines(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.strip()]


def test_the_line_of_a_log(clock: Seconds) -> None:
    shown = Shown(terminal=False, width=40)
    with shown.search():
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
    with shown.search():
        shown.progress.started(record)
        for _ in range(35):
            clock.now += 1
            shown.progress.progressed(record, {"val_loss": [0.5]})
        told = [line.rsplit(" · ", 1)[1] for line in shown.lines]
    assert told == ["0:01 elapsed", "0:11 elapsed", "0:21 elapsed", "0:31 elapsed"]
    assert shown.lines[-1].endswith("0:35 elapsed")


def test_a_search_without_a_trial_yet(clock: Seconds) -> None:
    shown = Shown(terminal=False)
    with shown.search():
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
    with shown.search():
        for number in range(ended):
            shown.trial(number, 0.5)
        clock.now += elapsed
    assert shown.lines[-1].endswith(f"elapsed, {remaining} remaining")


def test_a_resumed_search_counts_what_was_before(clock: Seconds) -> None:
    shown = Shown(terminal=False, before=4)
    for number, state in enumerate(("completed", "pruned", "diverged", "completed")):
        record = TrialRecord(number, {}, state=state, value=1.0 - number / 10)  # type: ignore[arg-type]
        shown.progress.restored(record)
    with shown.search():
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
    with shown.search():
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
    with shown.search():
        shown.trial(7, None, "failed", reason=reason)
        assert f"trial 7 failed: {reason}\n" in shown.text.replace("\r", "")


def test_only_failures_have_a_line_of_their_own(clock: Seconds) -> None:
    shown = Shown(terminal=False)
    with shown.search():
        clock.now += 1
        shown.trial(0, 0.5)
        for number, state in enumerate(("pruned", "diverged", "out_of_memory", "early_stopped"), 1):
            shown.trial(number, 0.5, state)  # type: ignore[arg-type]
    assert len(shown.lines) == 2
    assert all(" trials · " in line for line in shown.lines)


def test_a_terminal_shows_the_five_best() -> None:
    shown = Shown(terminal=True, width=120)
    with shown.search():
        for number, value in enumerate([0.8, 0.31, 0.72, 0.55, 0.44, 0.93]):
            shown.trial(number, value)
        running = shown.trial(6, 0.123456, "running")
        running.params["word"] = "[/odd] [x]"
        drawn = shown.drawn("[/odd]")
    assert drawn[1] == "6/10 trials · 1 running · 0 pruned · 0 failed"
    assert drawn[2].startswith("val_loss 0.1235 (trial 6), baseline 0.8 · ")
    assert re.split(r"  +", drawn[3]) == ["trial", "state", "epoch", "val_loss", "word"]
    assert [row.split()[0] for row in drawn[4:]] == ["6", "1", "4", "3", "2"]
    assert re.split(r"  +", drawn[4]) == ["6", "running", "5", "0.1235", "[/odd] [x]"]
    # these lines stay
    assert shown.lines[-2].startswith("6/10 trials · 1 running · ")
    assert shown.lines[-1].startswith("val_loss 0.1235 (trial 6), baseline 0.8 · ")


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_a_terminal_breaks_lines_between_facts(clock: Seconds, width: int) -> None:
    shown = Shown(terminal=True, width=width)
    with shown.search():
        clock.now += 6000
        for number in range(5):
            shown.trial(number, 1234.5, "pruned")
        drawn = shown.drawn("5 pruned")
    facts = [
        *("5/10 trials", "0 running", "5 pruned", "0 failed"),
        *("val_loss 1234 (trial 0), baseline 1234", "100:00 elapsed, 100:00 remaining"),
    ]
    lines = [line for line in drawn if "trial  state" not in line]
    assert [fact for line in lines[1:-5] for fact in line.split(" · ")] == facts
    assert max(map(len, drawn)) <= width
    # so do those that stay
    left = shown.lines[-len(lines[1:-5]) :]
    assert [fact for line in left for fact in line.split(" · ")] == facts


@pytest.mark.parametrize("width", [80, 120])
def test_a_row_has_what_tells_its_config_apart(width: int) -> None:
    shown = Shown(terminal=True, width=width)
    with shown.search():
        for number in range(3):
            record = shown.trial(number, 0.5, "early_stopped")
            record.params |= {f"layers.{index}.size_of_the_layer": number for index in range(20)}
            record.params |= {f"optimizer.sgd.parameter{index}": 0.5 for index in range(20)}
            record.params["optimizer.sgd.lr"] = number / 7
        drawn = shown.drawn("2      early_stopped")
    head, *rows = (re.split(r"  +", line) for line in drawn[3:])
    assert head[:4] == ["trial", "state", "epoch", "val_loss"]
    assert head[-1].endswith(" more")
    names = head[4:-1]
    assert "lr" in names
    assert all(re.fullmatch(r"lr|\d+\.size_of_the_layer", name) for name in names)
    assert len(names) + int(head[-1].split()[0]) == 21
    for number, row in enumerate(rows):
        expected = [f"{number / 7:.3g}" if name == "lr" else str(number) for name in names]
        assert row == [str(number), "early_stopped", "5", "0.5", *expected]
    assert max(map(len, drawn)) <= width


def test_a_terminal_says_what_it_waits_for() -> None:
    shown = Shown(terminal=True)
    shown.screen.phase("starting 2 workers")
    with shown.search():
        assert shown.drawn("starting")[1:3][0].startswith("0/10 trials")
        record = shown.trial(0, None, "running")
        assert "waiting for the first result" in "".join(shown.drawn("waiting"))
        record.value = 0.5
        shown.progress.progressed(record, {"val_loss": [0.5]})
        assert "waiting" not in "".join(shown.drawn("0.5"))
        shown.trial(1, None, "running")
        assert "waiting" not in "".join(shown.drawn("2 running"))
