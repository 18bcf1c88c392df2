"""Generated arguments of commands: an exit code of ours, one line for what is wrong, and no change.

100 cases by default, 1,000 with ``TUNEYARD_FAULTS=whole``; the same ones every time.
"""

import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuneyard.search.cli.main import main
from tuneyard.search.errors import MAX_LINE
from tuneyard.spaces.registry import descriptions

CASES = 1000 if os.environ.get("TUNEYARD_FAULTS") == "whole" else 100
TASKS = st.sampled_from(list(descriptions()))
PATHS = st.sampled_from(
    sorted({one.path for task in descriptions().values() for one in task.space.space().leaves})
)
WORDS = (
    "none null true auto nan -inf 1e400 0x 1_0 = : , .. ../up /etc/passwd ~nobody ~nobody.py . -"
)
WORDS += (
    " -- --help { } {{ %s %00 [1 ' \" 2020-01-01 20m -5s 1:2:log 2:1 nan:nan ::: no.py:Task .py:"
)
WORDS += " \x1b[31m \x85 é 1 0.5 relu sgd adam \udc80 a\udcff=1"
LONG = st.builds(
    lambda text, length, end: text * (length // len(text)) + end,
    st.sampled_from(["9", "x", "[", "{", "1-", ",", ".", "a.", "1s", "relu,", "é"]),
    st.sampled_from([30, 300, 4000, 6000, 100_000]),
    st.sampled_from(["", ".py", ".yaml", "=1", ":1"]),
)
# what no system hands over: a NUL, and halves of characters that stand for no byte
FREE = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
ARGUMENTS = st.sampled_from(["", " ", "\n", "\u2028", *WORDS.split()]) | LONG | FREE | PATHS
NUMBERS = st.integers().map(str) | st.floats().map(str)


NAMES = ARGUMENTS.filter(lambda text: "/" not in text and "\\" not in text)
NUMERIC = ("--trials", "--folds", "--seed", "--cpus-per-trial", "--max-concurrent-trials")
NUMERIC += ("--keep-checkpoints", "--target")
TEXTUAL = ("--name", "--data", "--time", "--sampler", "--scheduler", "--set", "--range")
TEXTUAL += ("--gpus-per-trial", "--resource", "--keep", "--x", "--command", "--space")
OPTION = st.tuples(st.sampled_from(NUMERIC), NUMBERS | ARGUMENTS) | st.tuples(
    st.sampled_from(TEXTUAL), ARGUMENTS | st.builds("{}={}".format, PATHS, ARGUMENTS)
)
SEARCHES = st.builds(
    lambda command, task, options: [command, *task, *sum(options, ()), *STOP[command]],
    st.sampled_from(["search", "submit"]),
    st.lists(TASKS | ARGUMENTS, min_size=0, max_size=1),
    st.lists(OPTION, max_size=3),
)
STOP = {"search": ("--tracking-uri", "foo://x"), "submit": ("--cluster", "nowhere")}
"""The last thing that is looked at: no search is started."""
OTHERS = (
    st.builds(lambda task, option: ["space", task, *option], TASKS | NAMES, OPTION)
    | st.builds(
        lambda task, data: ["check", task, "--data-dir", "no", "--data", data], NAMES, NAMES
    )
    | st.builds(lambda name: ["new", f"{name}.py", "--kind", "script"], NAMES)
    | st.builds(lambda name, script: ["new", name, "--from", script], NAMES, NAMES)
    | st.builds(lambda name, more: ["resume", name, *more], NAMES, OPTION)
    | st.builds(lambda name: ["stop", name, "--cluster", "nowhere"], ARGUMENTS)
    | st.builds(lambda words: ["tasks", *words], st.lists(ARGUMENTS, max_size=2))
    | st.lists(ARGUMENTS, min_size=1, max_size=3)
)


def contents(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty folder, in which one stands."""
    import_module("tuneyard.search.api")  # what it imports may look at the folder
    folder = tmp_path_factory.mktemp("hostile")
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("TUNEYARD_", "MLFLOW_"))]:
            patch.delenv(name)
        hang_up = signal.getsignal(signal.SIGHUP)
        yield folder
        signal.signal(signal.SIGHUP, hang_up)


def ran(*arguments: str) -> tuple[object, str]:
    """The exit code and the standard error of a command."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["tuneyard", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
    return end.value.code, err.getvalue()


@settings(
    max_examples=CASES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(SEARCHES | OTHERS)
def test_command_line_arguments(
    place: Path, injected: Callable[..., None], arguments: list[str]
) -> None:
    injected("hostile command lines")
    before = contents(place)
    code, said = ran(*arguments)
    assert code in (0, 1, 2, 130, None), (code, said)
    if code == 2:
        (line,) = said.splitlines()
        assert line.startswith("tuneyard: ")
        assert len(line) <= MAX_LINE + len("tuneyard: ")
        assert contents(place) == before
    for path in place.iterdir():
        if path.name not in before:
            path.unlink()
