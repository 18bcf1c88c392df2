"""`DriverLock`: one driver at a time works on a search, whatever the clocks of machines say."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tuneyard.search.errors import SearchError
from tuneyard.search.storage.folder import DRIVER, SearchFolder

LOCK = "driver.lock"
SETTLE_SECONDS = 1.0
"""How long an object store is given to show who wrote last; it knows no locks."""

ATTEMPTS = 5
PAUSE_SECONDS = 0.05


def this_driver() -> str:
    """This process, as ``host:1234``."""
    return f"{socket.gethostname()}:{os.getpid()}"


class DriverLock:
    """A search's lock, as long as the context lasts, and longer only for other machines.

    On a path it is the kernel's lock of a file, which ends with the process, not before. Beside it
    stands ``driver.json`` with a number that grows from driver to driver and a token: whoever was
    suspended meanwhile, and finds another's token there, writes no more. Where the storage knows
    no locks, as in an object store, the token alone decides.

    Args:
        folder: Of the search; it must be there.

    Raises:
        SearchError: Another driver holds it.
    """

    def __init__(self, folder: SearchFolder) -> None:
        self._folder = folder
        self._file: int | None = None

    def __enter__(self) -> Self:
        if self._folder.is_local:
            self._file = _lock(self._folder)
        try:
            self._sign()
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._folder.token = None
        self._release()

    def _sign(self) -> None:
        """Writes this driver's token over that of the one before."""
        number = int(self._folder.known(DRIVER).get("number", 0))
        token = secrets.token_hex(8)
        self._folder.seal(DRIVER, {"number": number + 1, "token": token, "driver": this_driver()})
        if not self._folder.is_local:
            time.sleep(SETTLE_SECONDS)
        self._folder.token = token
        self._folder.check_driver()

    def _release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _lock(folder: SearchFolder) -> int | None:
    """The open file of the lock; None where the file system knows no locks."""
    try:
        file = os.open(Path(folder.path, LOCK), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise SearchError(f"{folder} can't be written: {error.strerror}") from None
    for _ in range(ATTEMPTS):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            # a view that looks whether it is held holds it for a moment
            time.sleep(PAUSE_SECONDS)
        except OSError:
            os.close(file)
            return None
    os.close(file)
    raise SearchError(
        f"search {folder.search!r} runs: {_holder(folder)}; stop it first, or wait for its end"
    )


def is_locked(folder: SearchFolder) -> bool | None:
    """Whether a driver holds the lock of a search; None where that can't be seen from here."""
    if not folder.is_local:
        return None
    try:
        file = os.open(Path(folder.path, LOCK), os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(file)
    return False


def _holder(folder: SearchFolder) -> str:
    """The driver that holds the lock, in words."""
    driver = folder.known(DRIVER).get("driver")
    if driver is None:
        return "another driver works on it"
    host, _, process = driver.rpartition(":")
    if host == socket.gethostname() and is_suspended(process):
        return f"its driver, process {process} here, is suspended (kill -CONT {process} wakes it)"
    return f"its driver is process {process} on {host}"


def is_suspended(process: str) -> bool:
    """Whether a process of this machine is stopped, as by Ctrl+Z."""
    try:
        status = Path("/proc", process, "stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] in ("T", "t")
