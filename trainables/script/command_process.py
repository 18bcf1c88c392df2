"""`CommandProcess`: a running program, which goes on only while somebody waits for its reports."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from tuneyard.trainables.script.command_output import Lines, Tail
from tuneyard.trainables.script.command_reports import Report

logger = logging.getLogger(__name__)

TERM_SECONDS = 5.0
"""How long a program that is to end may take for that."""

_KILL_SECONDS = 10.0
"""How long it may take to be killed; only a broken device or disk makes it longer."""

_DRAIN_SECONDS = 1.0
"""How long output is read that outlives the program, such as that of a ``tee`` behind it."""

_STOP_SECONDS = 1.0
"""How long a stop is waited for at most, where a machine is overloaded."""

_CHUNK = 64 << 10
_MOST_CHUNKS = 64
"""More than what the pipes hold, in chunks."""

_GUARD = Path(__file__).with_name("command_guard.py")


class CommandProcess:
    """A program in a session of its own, with its output.

    One loop reads all pipes in turn, so that no pipe fills up while another is read, and so that
    everything that was printed before a stop is known after it.

    Args:
        arguments: The program and its arguments.
        environment: All of its environment variables.
        folder: Its working directory.
        read: Finds the report on a line of the standard output.
        tail: Takes the other lines that it prints, on both outputs.

    Attributes:
        pid: The number of the program and of its process group.
        code: The exit code, negative for a signal; None as long as the program runs.
        reports: The reports that have come and that nobody has taken.
        last_error: The last line of its standard error; empty if there is none.

    Raises:
        OSError: The program cannot be started.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        read: Callable[[str], Report | None],
        tail: Tail,
    ) -> None:
        self.pid = 0
        self.code: int | None = None
        self.reports: deque[Report] = deque()
        self.last_error = ""
        self._read = read
        self._tail = tail
        self._failure = ""
        self._drain_until = 0.0
        self._selector = selectors.DefaultSelector()
        self._guard = self._start(arguments, environment, folder)
        while not self.pid and self._pump(None):
            pass
        if not self.pid:
            self.close()
            raise OSError(self._failure or self.last_error)

    def _start(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> subprocess.Popen[bytes]:
        """Starts the guard, which starts the program; see its module."""
        status, told = os.pipe()
        try:
            guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), str(told), *arguments],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                cwd=folder,
                pass_fds=[told],
                start_new_session=True,
            )
        except BaseException:
            os.close(status)
            raise
        finally:
            os.close(told)
        streams = (os.fdopen(status, "rb", buffering=0), guard.stdout, guard.stderr)
        sees = (self._see_status, self._see_output, self._see_error)
        for stream, see in zip(streams, sees, strict=True):
            assert stream is not None
            self._selector.register(stream, selectors.EVENT_READ, (Lines(), see))
        return guard

    def next_report(self) -> Report | None:
        """Lets the program go on to its next report, and stops it; None if it ended before one."""
        if not self.reports:
            self._signal(signal.SIGCONT)
            while not self.reports and self._pump(None):
                pass
            self._stop()
        return self.reports.popleft() if self.reports else None

    def close(self, *, at_once: bool = False) -> None:
        """Ends the program and all processes that it started.

        Args:
            at_once: Whether they are killed; else they have some seconds after a SIGTERM.
        """
        if self.pid and self.code is None and not at_once:
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)
            until = time.monotonic() + TERM_SECONDS
            while (left := until - time.monotonic()) > 0 and self._pump(left):
                pass
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        try:
            self._guard.wait(_KILL_SECONDS)
        except subprocess.TimeoutExpired:
            logger.warning("process %d cannot be killed; it waits for a device", self.pid)
        for key in list(self._selector.get_map().values()):
            self._forget(key)
        self._selector.close()

    def _signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process group, whose number the guard keeps from other use."""
        if self.code is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def _stop(self) -> None:
        """Stops the process group, and reads what it has printed so far."""
        self._signal(signal.SIGSTOP)
        until = time.monotonic() + _STOP_SECONDS
        while self.code is None and not self._is_stopped() and time.monotonic() < until:
            time.sleep(0)
        for _ in range(_MOST_CHUNKS):
            if not self._pump(0):
                return

    def _is_stopped(self) -> bool:
        """Whether the program runs no more code of its own.

        One that waits for a disk, or for a stopped child of `vfork`, stops as soon as that is over.
        """
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text(errors="replace")
        except OSError:
            return True
        return stat.rpartition(")")[2].split()[0] in "TtZXD"

    def _pump(self, seconds: float | None) -> bool:
        """Reads what the program prints.

        Args:
            seconds: How long to wait for it; None waits until there can be no more.

        Returns:
            Whether there was something, or the end of something.
        """
        if not self._selector.get_map():
            return False
        if seconds is None and self.code is not None:
            seconds = self._drain_until - time.monotonic()
            if seconds <= 0:
                return False
        ready = self._selector.select(seconds)
        for key, _ in ready:
            data = os.read(key.fd, _CHUNK)
            lines, see = key.data
            for line, whole in lines.feed(data):
                see(line, whole)
            if not data:
                self._forget(key)
                if see == self._see_status:
                    self._see_guard_end()
        return bool(ready)

    def _forget(self, key: selectors.SelectorKey) -> None:
        self._selector.unregister(key.fileobj)
        cast("IO[bytes]", key.fileobj).close()

    def _see_status(self, line: str, whole: bool) -> None:
        """Takes a line of the guard."""
        word, _, rest = line.partition(" ")
        if word == "started":
            self.pid = int(rest)
        elif word == "failed":
            self._failure = rest
        else:
            self.code = int(rest)
            self._drain_until = time.monotonic() + _DRAIN_SECONDS

    def _see_guard_end(self) -> None:
        """Ends the program if the guard has ended first, because it was killed."""
        if self.pid and self.code is None:
            self._signal(signal.SIGKILL)
            self._see_status(f"ended {-signal.SIGKILL}", whole=True)

    def _see_output(self, line: str, whole: bool) -> None:
        report = self._read(line) if whole else None
        if report is not None:
            self.reports.append(report)
        elif line:
            self._tail.add(line)

    def _see_error(self, line: str, whole: bool) -> None:
        if line:
            self._tail.add(line)
            self.last_error = line.strip()
