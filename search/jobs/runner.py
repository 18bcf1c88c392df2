"""The entrypoint of a submitted search's Ray job: its driver, started again when it dies.

``python -m tuneyard.search.jobs.runner SEARCH``
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType
from typing import IO

logger = logging.getLogger(__name__)

RESTARTS = 5
"""How often a driver whose process dies is started again."""

PAUSE_SECONDS = 2.0

REASON_LENGTH = 500
"""Longest reason that is recorded: MLflow takes no longer tags everywhere."""


class Job:
    """One driver at a time, until it ends by itself or the job is stopped.

    What the search may have is in its run in MLflow and in its folder, not here: each driver that
    is started finds the same.

    Args:
        search: Name of the search.
    """

    def __init__(self, search: str) -> None:
        self._search = search
        self._stopped = False
        self._last_line = ""
        # Ray sends SIGTERM to every process of a job, so the driver gets it as well
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopped = True

    def run(self) -> int:
        """Runs drivers; the exit code is the last one's."""
        code = self._drive()
        for remaining in reversed(range(RESTARTS)):
            # below zero: a signal ended the process, where errors of ours have a code
            if code >= 0 or self._stopped:
                break
            logger.warning(
                "the driver was killed by signal %d; it is started again, at most %d times more",
                -code,
                remaining,
            )
            time.sleep(PAUSE_SECONDS)
            code = self._drive()
        if code > 0 or (code < 0 and self._stopped):
            self._close(code)
        return abs(code)

    def _close(self, code: int) -> None:
        """Says in MLflow what a driver could not say itself.

        Args:
            code: The driver's exit code: below zero where it was killed, above where it gave up.
        """
        # imported when needed: they take half a gigabyte, as long as the job runs
        from tuneyard.search.errors import SearchError
        from tuneyard.search.tracking.client import MlflowException, connect
        from tuneyard.search.tracking.result import find_parent
        from tuneyard.search.tracking.runs import close_search, refuse_search

        try:
            client = connect(None)
            run = find_parent(client, self._search)
            if code < 0:
                close_search(client, run)
            else:
                refuse_search(client, run, self._last_line.removeprefix("tuneyard: "))
        except (SearchError, MlflowException) as error:
            logger.warning("MLflow was not told that the driver has ended: %s", error)

    def _drive(self) -> int:
        if self._stopped:
            # the request to stop came while no driver was running
            return -signal.SIGTERM
        # -P: nothing is imported from the current folder
        command = [sys.executable, "-P", "-m", "tuneyard.search.cli", "resume", self._search]
        driver = subprocess.Popen([*command, "--address", "auto"], stderr=subprocess.PIPE)
        assert driver.stderr is not None
        reader = threading.Thread(target=self._pass_on, args=(driver.stderr,), daemon=True)
        reader.start()
        code = driver.wait()
        # a child that outlives the driver may hold its stderr open
        reader.join(PAUSE_SECONDS)
        return code

    def _pass_on(self, stderr: IO[bytes]) -> None:
        """Copies what a driver says, and keeps its last line: the reason, where it gives up."""
        for line in stderr:
            os.write(sys.stderr.fileno(), line)
            if text := line.decode(errors="replace").strip():
                self._last_line = text[:REASON_LENGTH]


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    sys.exit(Job(sys.argv[1]).run())
