"""References to a user's file: ``my_task.py`` and ``my_task.py:Other``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tuneyard.spaces.code.errors import CodeError


@dataclass(frozen=True)
class FileReference:
    """A file, and which task in it.

    Attributes:
        path: The file; absolute.
        attribute: The name of a class in it; empty where the file has one task.
    """

    path: Path
    attribute: str = ""

    @classmethod
    def parse(cls, text: str, folder: Path | None = None) -> FileReference:
        """Reads ``path.py`` or ``path.py:Name``.

        Args:
            text: The reference.
            folder: What a relative path is relative to; None means the current folder.

        Raises:
            CodeError: There is no such file.
        """
        name, _, attribute = text.partition(".py:")
        path = Path(f"{name}.py" if attribute else name).expanduser()
        path = (folder or Path.cwd()) / path
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise CodeError(f"{path} {what}; write a file to start with: tuneyard new {path.name}")
        return cls(path.resolve(), attribute)


def is_file_reference(text: str) -> bool:
    """Whether a text names a file rather than an installed task."""
    return text.endswith(".py") or ".py:" in text
