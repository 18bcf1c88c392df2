"""Searches in hostile surroundings: each works, or costs one line; real processes throughout."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

TUNEYARD = (sys.executable, "-P", "-m", "tuneyard.search.cli")
SEARCH = ("search", "linear-regression", "--trials", "1", "--set", "epochs=2", "--name", "mine")
SECONDS = 300
WHOLE = os.environ.get("TUNEYARD_FAULTS") == "whole"

# a process of root without its special rights, so that closed folders and ports are closed to it
PLAIN = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.getuid() == 0 else ()

SHADOWED = ("torch", "ray", "mlflow", "random", "numpy", "pydantic", "uvicorn")
LEAKY = ("TUNEYARD_", "MLFLOW_", "RAY_", "TMPDIR", "XDG_", "PYTHONPATH")

LOST = """
import os, sys
from typing import Annotated

from neighbour import LAST_WORDS
from tuneyard.spaces import Float, SearchSpace

objective = "min loss"


class Space(SearchSpace):
    "A rate."
    lr: Annotated[float, Float(0.1, 1.0)] = 0.5


def train(config, trial):
    trial.report(loss=config.lr)
    print(LAST_WORDS, file=sys.stderr, flush=True)
    os._exit(3)
"""


def environment(**more: str) -> dict[str, str]:
    """The environment variables of a person without this checkout, and some more."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(LEAKY)}
    return own | more


def run(
    folder: Path, *arguments: str, before: tuple[str, ...] = (), **variables: str
) -> subprocess.CompletedProcess[str]:
    """A command in a folder."""
    return subprocess.run(
        [*before, *TUNEYARD, *arguments],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """A command ended with one line, which has these words, and exit code 2."""
    assert done.returncode == 2, done.stdout + done.stderr
    # before it, a busy machine may say what takes long
    *before, line = done.stderr.splitlines()
    assert line.startswith("tuneyard: ")
    assert not [one for one in before if one.startswith(("tuneyard: ", "Traceback"))]
    for word in words:
        assert word in line


def assert_completed(done: subprocess.CompletedProcess[str]) -> None:
    """A search ended well."""
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    result = json.loads(done.stdout)
    assert (result["state"], result["trials"]["completed"]) == ("completed", 1)


def closed(folder: Path) -> Path:
    """A folder that can't be written."""
    folder.mkdir()
    folder.chmod(0o555)
    return folder


def shadow(folder: Path) -> None:
    """Puts files into a folder that have the names of installed modules."""
    for name in SHADOWED:
        (folder / f"{name}.py").write_text(f"raise RuntimeError('{name}.py was imported')")


def long_folder(parent: Path) -> Path:
    """A folder with a path that is too long for the sockets in it."""
    folder = parent / ("long" * 25)
    folder.mkdir()
    return folder


def wait(until: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Waits until something is so, as long as a process runs."""
    end = time.monotonic() + SECONDS
    while not until():
        assert process is None or process.poll() is None, "it ended too early"
        assert time.monotonic() < end
        time.sleep(0.05)


# --- what lies in the current folder


def test_files_named_like_libraries_are_not_imported_nor_is_a_long_tmpdir_in_the_way(
    tmp_path: Path,
) -> None:
    shadow(tmp_path)
    long = long_folder(tmp_path)
    assert_completed(run(tmp_path, *SEARCH, "--json", TMPDIR=str(long)))


def test_a_lost_worker_is_shown_with_its_last_words_and_files_find_their_neighbours(
    tmp_path: Path,
) -> None:
    shadow(tmp_path)
    (tmp_path / "lost_task.py").write_text(LOST)
    (tmp_path / "neighbour.py").write_text("LAST_WORDS = 'the licence server is away'")
    done = run(tmp_path, "search", "lost_task.py", "--trials", "1")
    assert done.returncode == 1, done.stderr
    assert "the licence server is away" in done.stderr


def test_a_folder_that_can_not_be_written_costs_one_line(tmp_path: Path) -> None:
    folder = closed(tmp_path / "closed")
    assert_refused(run(folder, *SEARCH, before=PLAIN), "can't be written", "--tracking-uri")
    store = f"sqlite:///{tmp_path}/mlflow.db"
    elsewhere = run(folder, *SEARCH, "--tracking-uri", store, before=PLAIN)
    assert_refused(elsewhere, "can't be made", "--storage")


# --- homes and temporary folders


def test_a_home_and_a_folder_of_ray_that_are_closed_are_not_in_the_way(tmp_path: Path) -> None:
    home, temporary = closed(tmp_path / "home"), tmp_path / "t"
    temporary.mkdir()
    closed(temporary / "ray")
    done = run(tmp_path, *SEARCH, "--json", before=PLAIN, HOME=str(home), TMPDIR=str(temporary))
    assert_completed(done)
    assert list(home.iterdir()) == []
    assert [place.name for place in temporary.glob("ray*")] == ["ray"]


def test_a_user_without_a_name_and_a_home_can_search(tmp_path: Path) -> None:
    nameless = ("unshare", "--user", "--map-user=54321", "--map-group=54321", "env", "-u", "HOME")
    if subprocess.run([*nameless, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here")
    assert_completed(run(tmp_path, *SEARCH, "--json", before=nameless, TMPDIR=str(tmp_path)))


# --- the MLflow UI


@pytest.fixture
def store(tmp_path: Path, mlflow_database: Path) -> Path:
    """A folder with an MLflow store."""
    (tmp_path / "mlflow.db").write_bytes(mlflow_database.read_bytes())
    return tmp_path


@pytest.mark.parametrize("port", ["-1", "0", "65536", "http"])
def test_a_port_that_is_none_costs_the_ui_one_line(store: Path, port: str) -> None:
    assert_refused(run(store, "ui", "--port", port), "--port")


def test_a_port_that_is_taken_or_privileged_costs_the_ui_one_line(store: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert_refused(run(store, "ui", "--port", port), port, "in use")
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if first > 1:
        assert_refused(run(store, "ui", "--port", "1", before=PLAIN), "denied")


def test_the_ui_imports_nothing_from_the_current_folder(
    store: Path, free_port: Callable[[], int]
) -> None:
    shadow(store)
    port = free_port()
    command = [*TUNEYARD, "ui", "--port", str(port)]
    with (store / "ui.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=store, env=environment(), stdout=log, stderr=log, text=True
        )

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        wait(answers, process)
    finally:
        process.terminate()
        process.wait()
    assert "was imported" not in (store / "ui.log").read_text()


# --- a Ray that does not start


@pytest.fixture
def stopped() -> Iterator[list[int]]:
    """Processes that were stopped; they are killed in the end."""
    numbers: list[int] = []
    yield numbers
    for number in numbers:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def raylet_of(driver: int) -> int | None:
    """The process of a driver's raylet."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            command = status.with_name("cmdline").read_bytes()
            if f"PPid:\t{driver}\n" in status.read_text() and b"/raylet/raylet\0" in command:
                return int(status.parent.name)
        except OSError:
            continue
    return None


# the second takes a minute
@pytest.mark.parametrize("times", [1, 2] if WHOLE else [1])
def test_a_ray_that_is_late_is_tried_once_more(
    times: int, tmp_path: Path, stopped: list[int]
) -> None:
    temporary = tmp_path / "t"
    temporary.mkdir()
    driver = subprocess.Popen(
        [*TUNEYARD, *SEARCH, "--json"],
        cwd=tmp_path,
        env=environment(RAY_TMPDIR=str(temporary)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def stops_one() -> bool:
        number = raylet_of(driver.pid)
        if number is None or number in stopped:
            return False
        os.kill(number, signal.SIGSTOP)
        stopped.append(number)
        return True

    for _ in range(times):
        wait(stops_one, driver)
    output, errors = driver.communicate(timeout=SECONDS)
    done = subprocess.CompletedProcess("", driver.returncode, output, errors)
    assert "it is tried once more" in errors
    assert "Traceback" not in errors
    if times == 1:
        assert_completed(done)
    else:
        assert done.returncode == 2, errors
        assert re.search(r"^tuneyard: Ray did not start .* --address", errors, re.MULTILINE)
        assert not (tmp_path / "tuneyard-searches").exists()
    assert list(temporary.iterdir()) == []


# --- a terminal that closes


def in_terminal(folder: Path, *arguments: str) -> tuple[int, int]:
    """Starts a command in a terminal of its own; its process and the terminal."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execve(sys.executable, [*TUNEYARD, *arguments], environment())
    return process, terminal


LONG = ("search", "linear-regression", "--trials", "4000", "--name", "mine")


def test_a_search_ends_in_good_order_when_its_terminal_closes(tmp_path: Path) -> None:
    process, terminal = in_terminal(tmp_path, *LONG)
    checkpoints = tmp_path / "tuneyard-searches/mine/trials"
    wait(lambda: _read(terminal) and any(checkpoints.glob("*")))
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) in (0, 1)
    best = run(tmp_path, "best", "mine", "--json")
    assert json.loads(best.stdout)["state"] == "stopped", best.stderr


def test_a_detached_search_outlives_its_terminal(tmp_path: Path) -> None:
    process, terminal = in_terminal(tmp_path, *SEARCH, "--detach", "--json")
    said = b""
    while b"}" not in said:
        said += os.read(terminal, 1000)
    os.close(terminal)
    os.waitpid(process, 0)
    told = json.loads(said)
    assert told["search"] == "mine"
    assert Path(told["log"]) == tmp_path / "tuneyard-searches/mine.log"
    assert os.getsid(told["pid"]) == told["pid"]
    wait(lambda: not Path(f"/proc/{told['pid']}").exists())
    assert '"state":"completed"' in Path(told["log"]).read_text()

    again = run(tmp_path, *SEARCH, "--detach")
    assert_refused(again, "there is a search 'mine'", "--name")
    wrong = run(tmp_path, "search", "linear-regression", "--trials", "0", "--detach")
    assert_refused(wrong, "trials")
    assert_refused(run(tmp_path, "resume", "other", "--detach"), "there is no search")


def _read(terminal: int) -> bool:
    """Reads what a terminal shows, so that its process can go on."""
    os.set_blocking(terminal, False)
    with suppress(BlockingIOError):
        while os.read(terminal, 10_000):
            pass
    return True
