"""`CodeFolder`: the files of a user's code, which travel, and are written where they lack."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tuneyard.spaces.code.errors import CodeError


@dataclass(frozen=True)
class CodeFolder:
    """A folder as it was when the code in it was opened.

    Attributes:
        path: Where it lay.
        files: The content of each file that travels, by its path in the folder.
        code: The paths of those whose change is a change of the code.
        left_out: The paths of files that were too large to travel, or too many.
    """

    path: Path
    files: Mapping[str, bytes] = field(repr=False)
    code: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @classmethod
    def recorded(cls, path: Path, sources: Mapping[str, str]) -> Self:
        """A folder that is gone, by the `sources` that were recorded of it."""
        return cls(path, {name: text.encode() for name, text in sources.items()}, tuple(sources))

    @property
    def sources(self) -> dict[str, str]:
        """The text of the code, by its paths."""
        return {name: text.decode(errors="replace") for name, text in self.contents.items()}

    @property
    def contents(self) -> dict[str, bytes]:
        """The content of the code, by its paths."""
        return {name: self.files[name] for name in self.code}

    def place(self) -> Path:
        """Where it lay, if the code is still the same there; else a copy on this machine."""
        return self.path if _same_files(self.path, self.contents) else _unpacked(self.files)


def _same_files(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether a folder holds some files, with the same content.

    Args:
        folder: The folder.
        files: Contents by paths in it.
    """
    try:
        return all((folder / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False


def _unpacked(files: Mapping[str, bytes]) -> Path:
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
