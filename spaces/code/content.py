"""The contents of files that travel: compared with a folder's, and written where they lack."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tuneyard.spaces.code.errors import CodeError


def same_files(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether a folder holds some files, with the same content.

    Args:
        folder: The folder.
        files: Contents by paths in it.
    """
    try:
        return all((folder / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False


def unpacked(files: Mapping[str, bytes]) -> Path:
    """A folder of this user's alone that holds some files; the same files are written once.

    Args:
        files: Contents by relative paths.

    Raises:
        CodeError: The folder belongs to another user.
    """
    root = Path(tempfile.gettempdir()).resolve() / f"tuneyard-code-{os.getuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    status = root.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise CodeError(f"{root} is not a folder of this user's alone; remove it, or set TMPDIR")
    place = root / content_digest(files)[:24]
    if not place.exists():
        written = Path(tempfile.mkdtemp(dir=root))
        for name, content in files.items():
            (written / name).parent.mkdir(parents=True, exist_ok=True)
            (written / name).write_bytes(content)
        # another worker may be faster
        with suppress(OSError):
            written.rename(place)
    return place


def content_digest(files: Mapping[str, bytes]) -> str:
    """The sha256 (hex) of some files, their names among it."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
