"""Tests of the processes of a trial: stopped between epochs, and none left after it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any  # the fixture's class

import pytest

from tuneyard.trainables.script import command_process
from tuneyard.trainables.script.command_errors import CommandError
from tuneyard.trainables.script.command_training import CommandTraining

REPORT_AND_WAIT = """echo '{"accuracy": 1}'; sleep 1000"""

FORKS = """
    # a child, one with a child of its own, one in another session, and one that nobody waits for
    cd "$TUNEYARD_FOLDER"
    sh -c 'touch 1; exec sleep 1000' &
    sh -c 'touch 2; sleep 1000; true' &
    setsid sh -c 'touch 3; exec sleep 1000' &
    (setsid sh -c 'trap "" TERM HUP; touch 4; sleep 1000; true' &)
    until [ -e 1 ] && [ -e 2 ] && [ -e 3 ] && [ -e 4 ]; do sleep 0.01; done
    echo '{"accuracy": 1}'
    sleep 1000
"""

WORKER = """
import os, sys, time
from pathlib import Path
from tuneyard.trainables.script.command_output import Tail
from tuneyard.trainables.script.command_process import CommandProcess
from tuneyard.trainables.script.command_reports import ReportReader

environment = {**os.environ, "TUNEYARD_FOLDER": sys.argv[1]}
read = ReportReader("accuracy").read
process = CommandProcess(["sh", "../program"], environment, Path(sys.argv[1]), read, Tail())
process.next_report()
print("ready", flush=True)
time.sleep(1000)
"""


def processes(folder: Path) -> dict[int, str]:
    """The states of all processes that were given a folder of files, by their numbers."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and str(folder).encode() in (entry / "environ").read_bytes():
                stat = (entry / "stat").read_text(errors="replace")
                found[int(entry.name)] = stat.rpartition(")")[2].split()[0]
        except OSError:
            continue
    return found


def programs(training: CommandTraining) -> dict[int, str]:
    """The states of a training's own processes, without the guard's."""
    found = processes(training.folders["files"])
    return {pid: state for pid, state in found.items() if b"command_guard" not in command(pid)}


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_process, "TERM_SECONDS", 0.3)


def test_between_epochs_the_whole_group_is_stopped(machine: Any) -> None:
    training = machine.shell("""
        (while true; do sleep 0.01; done) &
        while true; do sleep 0.1; echo '{"accuracy": 1}'; done
    """)
    for _ in range(3):
        training.run_epoch()
        wait_until(lambda: set(programs(training).values()) <= {"T", "D", "Z"})
        assert "T" in programs(training).values()
        assert training.state_dict()["pending"] == []


def test_nothing_of_a_pruned_trial_is_left(machine: Any, impatient: None) -> None:
    training = machine.shell(FORKS)
    training.run_epoch()
    assert len(programs(training)) >= 5
    training.close()
    assert processes(training.folders["files"]) == {}
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    assert not any(b"command_guard" in command(int(child)) for child in children)


def test_nothing_is_left_of_a_program_that_ended(machine: Any) -> None:
    training = machine.shell("""setsid sleep 1000 & echo '{"accuracy": 1}'""")
    machine.run(training)
    assert processes(training.folders["files"]) == {}


def test_a_program_may_clean_up_after_sigterm(machine: Any) -> None:
    training = machine.python("""
        import signal, sys, time
        def end(*_):
            print("x" * 200_000)
            open("ended", "w").write("cleaned up")
            sys.exit()
        signal.signal(signal.SIGTERM, end)
        print('{"accuracy": 1}')
        time.sleep(1000)
    """)
    training.run_epoch()
    training.close()
    assert (machine.folder / "ended").read_text() == "cleaned up"


def test_a_program_that_ignores_sigterm_is_killed(machine: Any, impatient: None) -> None:
    training = machine.python("""
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork():
            print('{"accuracy": 1}')
        while True:
            time.sleep(1)
    """)
    training.run_epoch()
    training.close()
    assert processes(training.folders["files"]) == {}


@pytest.mark.parametrize("as_ray", [False, True])
def test_nothing_outlives_a_worker_that_is_killed(tmp_path: Path, as_ray: bool) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (tmp_path / "program").write_text(FORKS)
    worker = subprocess.Popen([sys.executable, "-c", WORKER, files], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    assert len(processes(files)) >= 7
    if as_ray:
        # a worker of Ray that ends kills its children first
        children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
        worker.send_signal(signal.SIGSTOP)
        for child in children:
            os.kill(int(child), signal.SIGKILL)
    worker.kill()
    worker.communicate()
    wait_until(lambda: not processes(files))


def test_a_program_whose_guard_is_killed_is_a_failure(machine: Any) -> None:
    training = machine.shell(REPORT_AND_WAIT)
    training.run_epoch()
    files = training.folders["files"]
    for pid in processes(files):
        if b"command_guard" in command(pid):
            os.kill(pid, signal.SIGKILL)
    with pytest.raises(
        CommandError, match=r"^the command was killed by SIGKILL \(signal 9\) after"
    ):
        training.run_epoch()
    wait_until(lambda: not processes(files))


def test_open_files_do_not_pile_up(machine: Any) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    machine.run(machine.shell("""echo '{"accuracy": 1}'"""))
    before = open_files()
    for _ in range(3):
        machine.run(machine.shell("""echo '{"accuracy": 1}'"""))
        with pytest.raises(CommandError):
            machine.start(machine.task("", "./program")).run_epoch()
    assert open_files() == before
