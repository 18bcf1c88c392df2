"""Whether the processes of a search's own Ray live: Ray ends ours without a word when they die."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import ray

from tuneyard.search.errors import SearchError

LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 10.0
"""How long the main thread may take to hear of it: in some calls of Ray it hears nothing."""

WRONG = 2
"""Exit code, as of every other error that costs one line."""

RAYLET, GCS = "raylet", "gcs_server"


class RayLostError(SearchError):
    """Ray ended, or can't be reached any more, in the middle of a search."""


@contextmanager
def ray_watched(last_words: Callable[[str], str]) -> Iterator[None]:
    """Raises an error in the main thread, wherever it waits, when this process' Ray has died.

    Where that does not come out of a call of Ray, which would end the process a minute later, the
    process ends now. Of a cluster that others started nothing is seen here; Ray itself says when it
    is gone.

    Args:
        last_words: From the reason, what a process says that ends so.

    Raises:
        RayLostError: The raylet or the GCS was killed, or has crashed.
    """
    programs = _programs()
    if not programs or threading.current_thread() is not threading.main_thread():
        yield
        return
    lost: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            lost.extend(name for pid, name in programs.items() if not _lives(pid))
            if lost:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR2)
                if not over.wait(PATIENCE_SECONDS):
                    _end(last_words(_reason(lost[0])))

    def raise_lost(_number: int, _frame: FrameType | None) -> None:
        raise RayLostError(_reason(lost[0]))

    before = signal.signal(signal.SIGUSR2, raise_lost)
    watch = threading.Thread(target=look, name="ray-watch", daemon=True)
    watch.start()
    try:
        yield
    except Exception as error:
        # a call of Ray that is interrupted raises an error of its own over this one
        if isinstance(error.__cause__, RayLostError):
            raise error.__cause__ from None
        raise
    finally:
        over.set()
        watch.join()
        signal.signal(signal.SIGUSR2, before)


def _reason(program: str) -> str:
    return f"Ray was lost: its process {program} has ended, or was killed"


def _end(line: str) -> None:
    """Ends the process without another word: the main thread is not to be had."""
    print(f"\ntuneyard: {line}", file=sys.stderr, flush=True)
    os._exit(WRONG)


def _programs() -> dict[int, str]:
    """The GCS that this process has started, and its own node's raylet, by their numbers.

    Whoever has started a cluster may have raylets of other nodes, which come and go.
    """
    here = f"--node_id={ray.get_runtime_context().get_node_id()}"
    found = {}
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in map(int, children.read_text().split()):
            program, *options = _command(pid)
            if program == GCS or (program == RAYLET and here in options):
                found[pid] = program
    return found


def _command(pid: int) -> list[str]:
    """The name of a process' program, and its options; no name where it has ended."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return [""]
    program, *options = (word.decode(errors="replace") for word in words)
    return [Path(program).name, *options]


def _lives(pid: int) -> bool:
    # one that has ended and was not waited for has no command any more
    return _command(pid)[0] in (RAYLET, GCS)
