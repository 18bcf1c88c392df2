"""`FileCode`: a user's file with its neighbours, as it was when it was opened."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Self  # Any: JSON

from tuneyard.spaces.code.content import content_digest, same_files, unpacked
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
        files: The content of each file that travels, by its path in the folder.
        code: The paths of the file and of those that it imports.
        left_out: The paths of files in the folder that were too large to travel.
    """

    path: Path
    attribute: str
    files: Mapping[str, bytes]
    code: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @classmethod
    def read(cls, reference: FileReference) -> Self:
        """Reads a file and its folder.

        Raises:
            CodeError: The file, or one that it imports, can't be read or is not Python.
        """
        path = reference.path
        try:
            code = imported_files(path)
            folder = read_folder(path.parent, code)
        except (SyntaxError, ValueError) as error:
            raise raised(error) from None
        except OSError as error:
            raise CodeError(f"can't read {path}: {error.strerror}") from None
        return cls(path, reference.attribute, folder.files, tuple(code), folder.left_out)

    @classmethod
    def recorded(cls, record: Mapping[str, Any]) -> Self:
        """The code of a `record` as it is now; as it was, where the file is gone."""
        path, attribute = Path(record["path"]), record["attribute"]
        if path.is_file():
            return cls.read(FileReference(path, attribute))
        files = {name: text.encode() for name, text in record["sources"].items()}
        return cls(path, attribute, files, tuple(files))

    def record(self) -> dict[str, Any]:
        """What a search keeps of the code, as JSON."""
        place = {"path": str(self.path), "attribute": self.attribute}
        return {"kind": "file", **place, "sources": self.sources}

    @property
    def sources(self) -> dict[str, str]:
        """The text of the file and of those that it imports, by their paths in the folder."""
        return {name: self.files[name].decode(errors="replace") for name in self.code}

    @property
    def digest(self) -> str:
        """The sha256 (hex) of the file and of those that it imports."""
        return content_digest({name: self.files[name] for name in self.code})

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
        folder = self._folder()
        path = folder / self.path.name
        module = sys.modules.get(module_name(path, self.digest))
        if module is not None:
            return module
        enter_folder(folder, [name for name in self.code if name != path.name])
        return load_file(path, module_name(path, self.digest))

    def _folder(self) -> Path:
        """Where the file lay, if it is still the same there; else a copy on this machine."""
        there = self.path.parent
        code = {name: self.files[name] for name in self.code}
        return there if same_files(there, code) else unpacked(self.files)
