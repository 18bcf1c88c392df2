"""What a search says before its first and after its last trial, and where it says nothing."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from rich.console import Console

from tuneyard.search.errors import SearchError
from tuneyard.search.results.display import announce, current_screen, displayed
from tuneyard.search.results.notebook import Notebook
from tuneyard.search.results.screens import Log, Standing

CONFIGS = ({"lr": 0.5, "epochs": 9}, {"lr": 0.25, "epochs": 9})
STANDING = Standing(
    2,
    9,
    ("2/9 trials", "0 running"),
    ("val_loss 0.5 (trial 1)",),
    ("trial", "state"),
    (("1", "completed"), ("0", "completed")),
    CONFIGS,
)


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, force_terminal=terminal, width=80), file


def until(file: io.StringIO, what: str) -> None:
    end = time.monotonic() + 10
    while what not in file.getvalue():
        assert time.monotonic() < end, file.getvalue()
        time.sleep(0.02)


def test_a_terminal_shows_each_phase_and_leaves_none() -> None:
    terminal, file = console(terminal=True)
    with displayed(show=True, console=terminal):
        announce("starting Ray")
        until(file, "starting Ray")
        announce("opening MLflow")
        until(file, "opening MLflow")
        current_screen().say("trial 3 failed: [/b]")
    # after it has drawn a line, it goes back to where that began, and wipes it
    assert re.search(r"opening MLflow[^\n]*\n?(\x1b\[[0-9;?]*[a-zA-Z]|\r)+$", file.getvalue())
    assert "trial 3 failed: [/b]\n" in file.getvalue()


def test_a_log_says_what_lasts() -> None:
    log, file = console(terminal=False)
    screen = Log(log, seconds=0.0)
    screen.phase("starting Ray")
    until(file, "starting Ray\n")
    screen.close()


def test_a_log_does_not_say_what_does_not_last() -> None:
    log, file = console(terminal=False)
    with displayed(show=True, console=log):
        for _ in range(100):
            announce("starting Ray")
        announce("")
    assert file.getvalue() == ""


def test_a_dumb_terminal_is_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    dumb, file = console(terminal=True)
    with displayed(show=True, console=dumb) as screen:
        screen.refresh(STANDING)
    assert file.getvalue() == "2/9 trials · 0 running · val_loss 0.5 (trial 1)\n"


def test_nothing_is_said_unasked(capfd: pytest.CaptureFixture[str]) -> None:
    announce("starting Ray")
    with displayed(show=False):
        announce("starting Ray")
        current_screen().say("trial 3 failed")
        current_screen().stop(STANDING)
    assert capfd.readouterr() == ("", "")


def test_it_is_said_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with displayed(show=True) as screen:
        screen.stop(STANDING)
    assert capfd.readouterr() == ("", f"{STANDING.line}\n")


@pytest.mark.parametrize("opened", [os.openpty, os.pipe])
def test_a_search_outlives_its_terminal(
    opened: Callable[[], tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = opened()
    monkeypatch.setenv("TERM", "xterm")
    stream = os.fdopen(writer, "w", buffering=1)
    monkeypatch.setattr(sys, "stderr", stream)
    with displayed(show=True) as screen:
        announce("starting Ray")
        os.close(reader)
        with pytest.raises(OSError, match=r"Broken pipe|Input/output"):
            os.write(writer, b"x")
        screen.start(lambda: STANDING)
        screen.say("trial 3 failed")
        screen.refresh(STANDING)
        screen.stop(STANDING)
        announce("testing the best model")
    with suppress(OSError):
        stream.close()


def test_one_display_within_another() -> None:
    log, file = console(terminal=False)
    with displayed(show=True, console=log) as outer:
        with displayed(show=True) as inner:
            assert inner is outer
        with displayed(show=False):
            current_screen().say("unasked")
        current_screen().say("asked")
    assert file.getvalue() == "asked\n"
    assert current_screen() is not outer


def test_a_search_that_fails_ends_its_display() -> None:
    terminal, file = console(terminal=True)

    def fail() -> None:
        with displayed(show=True, console=terminal):
            announce("starting Ray")
            raise SearchError("no Ray")

    with pytest.raises(SearchError, match="no Ray"):
        fail()
    shown = file.getvalue()
    # the cursor is shown again
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_the_first_word_waits_for_nothing_heavy() -> None:
    program = (
        "import sys; from tuneyard.search.results.display import announce, displayed\n"
        "with displayed(show=True): announce('starting'); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded & {"torch", "ray", "mlflow", "optuna", "numpy", "IPython"} == set()


@pytest.fixture
def published() -> Iterator[list[dict[str, str]]]:
    """What a notebook has been sent."""
    shell = InteractiveShell.instance()
    shell.display_pub = publisher = CapturingDisplayPublisher()
    yield publisher.outputs
    InteractiveShell.clear_instance()


def test_a_notebook_shows_the_same_in_one_output(published: list[dict[str, str]]) -> None:
    notebook = Notebook()
    notebook.phase("starting <Ray>")
    notebook.start(lambda: STANDING)
    notebook.say("trial 3 failed: <b>")
    notebook.phase("")
    notebook.stop(STANDING)
    notebook.phase("testing the best model")
    notebook.close()
    plain = [one["data"]["text/plain"] for one in published]  # type: ignore[index]
    line = STANDING.line
    failed = f"{line}\ntrial 3 failed: <b>"
    assert plain == [
        "starting <Ray>",
        f"{line}\nstarting <Ray>",
        *(failed, failed),
        f"{line}\ntesting the best model\ntrial 3 failed: <b>",
        failed,
    ]
    pages = [one["data"]["text/html"] for one in published]  # type: ignore[index]
    cells = re.findall(r"<t[hd]\b[^>]*>([^<]*)", pages[1])
    assert cells == ["trial", "state", "lr", "1", "completed", "0.5", "0", "completed", "0.25"]
    assert "starting &lt;Ray&gt;" in pages[1]
    assert "<table" not in pages[-1]
