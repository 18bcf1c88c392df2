"""Files that are written whole or not at all, and that survive a power failure."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

from pyarrow.fs import FileSystem, LocalFileSystem

from tuneyard.search.errors import SearchError, first_line
from tuneyard.search.retry import Backoff

PASSING = frozenset({errno.ESTALE, errno.EIO, errno.EAGAIN, errno.EINTR, errno.ETIMEDOUT})
"""Errors of a shared file system or of an object store that often pass."""

PATIENCE_SECONDS = 30.0
FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 5.0


class StorageError(SearchError):
    """The storage does not take what a search must write; the search can be resumed later."""


def write_whole(filesystem: FileSystem, path: str, content: bytes) -> None:
    """Writes a file: after a crash at any moment it is there whole, or as it was before.

    An error of the storage that may pass is waited for, for half a minute.

    Args:
        filesystem: Of the storage.
        path: Of the file; its folder is made if it is missing.
        content: All of it.

    Raises:
        StorageError: The storage is full, can't be written, or does not answer.
    """
    write = _write_here if isinstance(filesystem, LocalFileSystem) else _write_there
    backoff = Backoff(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)
    backoff.give_up_after(PATIENCE_SECONDS)
    while True:
        try:
            write(filesystem, path, content)
            return
        except OSError as error:
            # what an object store answers has no number of an error
            passing = error.errno in PASSING or not isinstance(filesystem, LocalFileSystem)
            if not passing or backoff.gave_up:
                reason = error.strerror or first_line(error)
                raise StorageError(f"{path} can't be written: {reason}") from None
        time.sleep(backoff.wait())


def _write_here(_filesystem: FileSystem, path: str, content: bytes) -> None:
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    with part.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(target)
    # the name, too, must survive
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_there(filesystem: FileSystem, path: str, content: bytes) -> None:
    # an object appears when it is whole
    filesystem.create_dir(path.rpartition("/")[0])
    with filesystem.open_output_stream(path) as stream:
        stream.write(content)
