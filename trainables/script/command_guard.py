"""The process between a worker and the program of a trial: none of the program's outlives it.

It runs as a script of its own, with nothing but the standard library::

    python -I -S command_guard.py STATUS_FD PROGRAM ARGUMENT...

It starts the program in a session of its own, and writes lines to STATUS_FD: ``started PID`` or
``failed MESSAGE``, later ``ended CODE``, where a negative code is a signal. When its standard input
is closed it kills whatever is left of the program, and ends. The worker alone holds the other end
of that pipe, so this happens too when the worker is killed.

Why a process, and not PR_SET_PDEATHSIG: that signal reaches the program but not its children, it
comes when the *thread* ends that started the program, and setting it between fork and exec runs
Python in a copy of a process with many threads. Here the kernel closes a pipe, whatever happened.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys

_PR_SET_CHILD_SUBREAPER = 36
_LIFELINE = 0


def main(status: int, arguments: list[str]) -> None:
    """Runs a program; see above.

    Args:
        status: The file descriptor to write to.
        arguments: The program and its arguments.
    """
    # Ray kills the children of a worker that ends, so the guard proper is a grandchild: it reads
    # of the end on its standard input. The child stays to be waited for.
    guard = os.fork()
    if guard:
        os.close(status)
        _close_output()
        os.waitpid(guard, 0)
        return
    # processes whose parents have ended become children of the guard, also those in other sessions
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.set_inheritable(status, False)
    try:
        program = _start(arguments)
    except OSError as error:
        _tell(status, f"failed {error.strerror}")
        return
    _tell(status, f"started {program}")
    try:
        _close_output()
        _wait(program, status)
    finally:
        _kill_children()


def _start(arguments: list[str]) -> int:
    """Starts the program without input, and with signals as a shell would set them."""
    return os.posix_spawnp(
        arguments[0],
        arguments,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
    )


def _tell(status: int, line: str) -> None:
    try:  # noqa: SIM105 - its import would slow every start of a trial
        os.write(status, f"{line}\n".encode())
    except BrokenPipeError:
        pass  # the worker has ended, which standard input tells


def _close_output() -> None:
    """Lets go of the program's output, which ends when the program's own processes have."""
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)


def _wait(program: int, status: int) -> None:
    """Waits until standard input is closed; tells when the program ends before.

    The program stays a zombie until then, so that its number is not given to another process that
    the worker might signal.
    """
    ended = os.pidfd_open(program)
    awaited = [_LIFELINE, ended]
    while True:
        ready, _, _ = select.select(awaited, [], [])
        if ended in ready:
            awaited.remove(ended)
            result = os.waitid(os.P_PID, program, os.WEXITED | os.WNOWAIT)
            assert result is not None
            by_signal = result.si_code != os.CLD_EXITED
            _tell(status, f"ended {-result.si_status if by_signal else result.si_status}")
            os.close(status)
        if _LIFELINE in ready:
            return


def _kill_children() -> None:
    """Kills all processes under this one; those under a killed one become its children."""
    while True:
        for child in _children():
            os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                with open(f"/proc/{entry.name}/stat", errors="replace") as file:  # noqa: PTH123 - likewise pathlib
                    # "PID (NAME) STATE PARENT ...", where the name may hold anything
                    parent = file.read().rpartition(")")[2].split()[1]
            except OSError:
                continue  # it has ended meanwhile
            if int(parent) == os.getpid():
                found.append(int(entry.name))
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
