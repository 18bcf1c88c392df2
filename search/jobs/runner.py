"""The entrypoint of a submitted search's Ray job: its driver, started again when it dies.

``python -m tuneyard.search.jobs.runner SEARCH [options of tuneyard resume]``
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from types import FrameType

logger = logging.getLogger(__name__)

RESTARTS = 5
"""How often a driver whose process dies is started again."""

PAUSE_SECONDS = 2.0


class Job:
    """One driver at a time, until it ends by itself or the job is stopped.

    Args:
        search: Name of the search.
        options: Options of ``tuneyard resume`` for the first driver, e.g. a larger budget.
    """

    def __init__(self, search: str, options: list[str]) -> None:
        self._search = search
        self._options = options
        self._stopped = False
        # Ray sends SIGTERM to every process of a job, so the driver gets it as well
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopped = True

    def run(self) -> int:
        """Runs drivers; the exit code is the last one's."""
        code = self._drive(self._options)
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
            code = self._drive([])
        if self._stopped and code < 0:
            self._close()
        return abs(code)

    def _close(self) -> None:
        """Closes the runs of a driver that was killed before it could close them itself."""
        # imported when needed: they take half a gigabyte, as long as the job runs
        from tuneyard.search.tracking.client import connect
        from tuneyard.search.tracking.result import find_parent
        from tuneyard.search.tracking.runs import close_search

        client = connect(None)
        close_search(client, find_parent(client, self._search))

    def _drive(self, options: list[str]) -> int:
        if self._stopped:
            # the request to stop came while no driver was running
            return -signal.SIGTERM
        command = [sys.executable, "-m", "tuneyard.search.cli", "resume", self._search]
        return subprocess.run([*command, "--address", "auto", *options], check=False).returncode


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    sys.exit(Job(sys.argv[1], sys.argv[2:]).run())
