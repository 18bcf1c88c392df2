"""`FileCode`: a user's file with its neighbours, as it was when it was opened."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Self  # Any: JSON

from tuneyard.spaces.code.content import CodeFolder, content_digest
from tuneyard.spaces.code.describe import describe, describe_all
from tuneyard.spaces.code.errors import CodeError, raised
from tuneyard.spaces.code.loading import enter_folder, load_file, module_name
from tuneyard.spaces.code.neighbours import imported_files, read_folder
from tuneyard.spaces.code.reference import FileReference
from tuneyard.spaces.description import TaskDescription


@dataclass(frozen=True)
class FileCode:
    """A user's file and its folder, which travel to the workers as they were at the start.

    Attributes:
        path: The file, where it lay.
        attribute: The name of a class in it; empty for the only task in it.
        folder: Its folder; the code in it is the file with those that it imports.
    """

    path: Path
    attribute: str
    folder: CodeFolder

    @classmethod
    def read(cls, reference: FileReference) -> Self:
        """Reads a file and its folder.

        Raises:
            CodeError: The file, or one that it imports, can't be read or is not Python.
        """
        path = reference.path
        try:
            folder = read_folder(path.parent, imported_files(path))
        except (SyntaxError, ValueError) as error:
            raise raised(error) from None
        except OSError as error:
            raise CodeError(f"can't read {path}: {error.strerror}") from None
        return cls(path, reference.attribute, folder)

    @classmethod
    def recorded(cls, record: Mapping[str, Any]) -> Self:
        """The code of a `record` as it is now; as it was, where the file is gone."""
        path, attribute = Path(record["path"]), record["attribute"]
        if path.is_file():
            return cls.read(FileReference(path, attribute))
        return cls(path, attribute, CodeFolder.recorded(path.parent, record["sources"]))

    def record(self) -> dict[str, Any]:
        """What a search keeps of the code, as JSON."""
        place = {"path": str(self.path), "attribute": self.attribute}
        return {"kind": "file", **place, "sources": self.sources}

    @property
    def sources(self) -> dict[str, str]:
        """The text of the file and of those that it imports, by their paths in the folder."""
        return self.folder.sources

    @property
    def digest(self) -> str:
        """The sha256 (hex) of the file and of those that it imports."""
        return content_digest(self.folder.contents)

    def describe(self) -> TaskDescription:
        """Runs the file and describes its task.

        Raises:
            CodeError: The file raised an error, or has not what a task needs.
        """
        module = self._load()
        return describe(module, self.attribute, self.path)

    def describe_all(self) -> list[TaskDescription]:
        """Runs the file and describes all tasks in it; see `describe`."""
        return describe_all(self._load(), self.path)

    def _load(self) -> ModuleType:
        folder = self.folder.place()
        path = folder / self.path.name
        module = sys.modules.get(module_name(path, self.digest))
        if module is not None:
            return module
        enter_folder(folder, [name for name in self.folder.code if name != path.name])
        return load_file(path, module_name(path, self.digest))
