"""A Ray of our own on this machine: a folder for its sockets, its start, and what it leaves."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import ray
from ray.job_config import JobConfig

from tuneyard.search.errors import SearchError, first_line

logger = logging.getLogger(__name__)

SOCKET_BYTES = 107
"""How long the path of a Unix socket may be."""

_SOCKET = "/session_2026-01-31_12-00-00_123456_4194304/sockets/plasma_store"
"""The longest of those that Ray makes in its folder."""

_PREFIX = "ray-"
_LOCK = "driver.lock"
_RANDOM = 8
"""The characters that `tempfile` adds."""

MOST_BYTES = SOCKET_BYTES - len(f"/{_PREFIX}{_SOCKET}") - _RANDOM
"""How long the path may be that the folder of a Ray is made in."""


@contextmanager
def local_ray() -> Iterator[None]:
    """Starts a Ray, which has ended with all its processes and files when this is left.

    Raises:
        SearchError: Ray does not start here.
    """
    folder = ray_folder()
    sweep(Path(folder).parent)
    try:
        with _claimed(folder), _token():
            _start(folder)
            yield
    finally:
        ray.shutdown()
        end_processes(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: str) -> None:
    """Starts Ray; on a busy machine it may not be up in its 30 seconds, so it is tried twice."""
    for is_last in (False, True):
        try:
            ray.init(
                address="local",
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                job_config=job_config(),
                _temp_dir=folder,
            )
            return
        # a Ray that is late raises many things, some of them without a class of their own
        except Exception as error:
            ray.shutdown()
            end_processes(folder)
            if is_last:
                raise SearchError(
                    "Ray did not start on this machine, tried twice: it is too loaded, or too "
                    "little memory or disk is free; try again, or name a cluster with --address "
                    f"({first_line(error)})"
                ) from error
            logger.warning("Ray did not start (%s); it is tried once more", first_line(error))


@contextmanager
def _token() -> Iterator[None]:
    """A token that closes Ray to others, where Ray would write one into the user's home folder."""
    known = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
    has_one = os.access(Path("~/.ray/auth_token").expanduser(), os.R_OK)
    if has_one or any(os.environ.get(name) for name in known):
        yield
        return
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    try:
        yield
    finally:
        del os.environ["RAY_AUTH_TOKEN"]


def job_config() -> JobConfig:
    """Lets workers import from the current folder only where this process looks there first.

    Ray puts the current folder first in the path of its workers, before what is installed, so that
    a `torch.py` there would be theirs. A user's own file finds its neighbours without that.
    """
    return JobConfig(_client_job=not _looks_here())


def _looks_here() -> bool:
    """Whether modules are imported from the current folder: in a notebook, by ``python -m``."""
    return "" in sys.path or sys.path[:1] == [str(Path.cwd())]


def ray_folder() -> str:
    """A new folder for the files and sockets of a Ray.

    It is made where temporary files belong, or where the sockets' paths are not too long.

    Raises:
        SearchError: There is no such place; one line.
    """
    named = [os.environ.get(name, "") for name in ("RAY_TMPDIR", "TMPDIR")]
    for place in (*named, "/tmp", "/var/tmp"):
        full = Path(place).absolute()
        if place and len(os.fsencode(full)) <= MOST_BYTES:
            with suppress(OSError):
                return tempfile.mkdtemp(prefix=_PREFIX, dir=full)
    raise SearchError(
        "Ray needs a folder for its sockets that can be written and whose path has at most "
        f"{MOST_BYTES} bytes, which neither RAY_TMPDIR, TMPDIR, /tmp nor /var/tmp is; name one "
        "with RAY_TMPDIR"
    )


@contextmanager
def _claimed(folder: str) -> Iterator[None]:
    """Holds the lock of a folder, which the system lets go when this process ends, however."""
    new = Path(folder, f"{_LOCK}.new")
    with new.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # so that a file of this name is never there without its lock
        new.rename(new.with_name(_LOCK))
        yield


def sweep(place: Path) -> None:
    """Removes the folders of Rays whose drivers were killed."""
    for path in place.glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError), path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            end_processes(str(path.parent))
            shutil.rmtree(path.parent, ignore_errors=True)


def end_processes(folder: str) -> None:
    """Kills what a Ray that did not start has left; its folder's name is no other's."""
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if folder.encode() in command.read_bytes():
                os.kill(int(command.parent.name), signal.SIGKILL)
