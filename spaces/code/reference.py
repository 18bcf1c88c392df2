"""References to a user's file: ``my_task.py`` and ``my_task.py:Other``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tuneyard.spaces.code.errors import CodeError
from tuneyard.spaces.language.errors import shown


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
            CodeError: There is no such file, or it can't be looked at.
        """
        name, _, attribute = text.partition(".py:")
        try:
            path = Path(f"{name}.py" if attribute else name).expanduser()
            path = (folder or Path.cwd()) / path
            is_file, is_folder = path.is_file(), path.is_dir()
        # it is too long for a path, or begins with the home of somebody who has none
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CodeError(
                f"can't read {shown(text)}: {reason}; name a file that exists"
            ) from None
        if not is_file:
            what = "is a folder" if is_folder else "does not exist"
            raise CodeError(f"{path} {what}; write a file to start with: tuneyard new {path.name}")
        return cls(path.resolve(), attribute)


def is_file_reference(text: str) -> bool:
    """Whether a text names a file rather than an installed task."""
    return text.endswith(".py") or ".py:" in text
