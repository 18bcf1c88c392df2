"""`CommandCode`: any program as a task, by its command line and a declared space."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Self  # Any: declarations in YAML or JSON

from tuneyard.spaces.code.content import CodeFolder, content_digest
from tuneyard.spaces.code.declared import declared_space
from tuneyard.spaces.code.describe import TASK_NAME
from tuneyard.spaces.code.errors import CodeError
from tuneyard.spaces.code.loading import PREFIX
from tuneyard.spaces.code.neighbours import read_folder
from tuneyard.spaces.code.objectives import parse_objective
from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.language.errors import did_you_mean, shown

KEYS = ("space", "objective", "epochs", "name")
"""The keys of the file that declares a program's space."""


@dataclass(frozen=True)
class CommandCode:
    """A program, its space, and the files that it needs.

    Attributes:
        command: The command line, with placeholders for hyperparameters.
        declared: The space, the objective, and maybe the number of epochs and a name.
        folder: The folder that the command is run in; the code in it is what the command names.
    """

    command: str
    declared: Mapping[str, Any]
    folder: CodeFolder

    @classmethod
    def read(cls, command: str, declared: Mapping[str, Any], folder: Path) -> Self:
        """Reads the files that travel with a command.

        Args:
            command: The command line.
            declared: What the file of the space says.
            folder: The folder that the command is run in.

        Raises:
            CodeError: The command or the keys are wrong; one line.
        """
        for key in declared:
            if key not in KEYS:
                raise CodeError(
                    f"{shown(key)} is not a key of a command's space; "
                    f"{did_you_mean(str(key), KEYS)}"
                )
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise CodeError(f"--command can't be read: {error}, in {command!r}") from None
        if not words:
            raise CodeError("--command must name a program, got nothing")
        code = sorted({word for word in words if _lies_in(folder, word)})
        return cls(command, declared, read_folder(folder, code))

    @classmethod
    def recorded(cls, record: Mapping[str, Any]) -> Self:
        """The code of a `record` as it is now; as it was, where its folder is gone."""
        folder, sources = Path(record["folder"]), record["sources"]
        if all((folder / name).is_file() for name in sources):
            return cls.read(record["command"], record["declared"], folder)
        return cls(record["command"], record["declared"], CodeFolder.recorded(folder, sources))

    def record(self) -> dict[str, Any]:
        """What a search keeps of the code, as JSON."""
        return {
            "kind": "command",
            "command": self.command,
            "declared": dict(self.declared),
            "folder": str(self.folder.path),
            "sources": self.sources,
        }

    @property
    def sources(self) -> dict[str, str]:
        """The text of the files that the command names."""
        return self.folder.sources

    @property
    def digest(self) -> str:
        """The sha256 (hex) of the command, its space and the files that it names."""
        command = repr((self.command, self.declared)).encode()
        return content_digest({"": command, **self.folder.contents})

    def describe(self) -> TaskDescription:
        """Makes the space, and a module that holds what the trials need.

        Raises:
            SpaceError: The declared space or objective is wrong; one line.
        """
        name = self.declared.get("name") or self._program()
        # it becomes a part of paths and addresses
        if not (isinstance(name, str) and TASK_NAME.fullmatch(name)):
            raise CodeError(
                "name must be letters, digits, dot, dash and underscore, at most 64, "
                f"got {shown(name)}"
            )
        values = self.declared.get("space")
        if not isinstance(values, Mapping):
            raise CodeError(
                f"space must map names to domains, got {shown(values)}; e.g. "
                "space: {lr: {low: 0.001, high: 0.1, log: true, default: 0.01}}"
            )
        epochs = self.declared.get("epochs")
        if epochs is not None and (not isinstance(epochs, int) or epochs < 1):
            raise CodeError(f"epochs must be a whole number, at least 1, got {shown(epochs)}")
        module = ModuleType(f"{PREFIX}command_{self.digest[:12]}")
        vars(module).update(command=self.command, folder=self.folder.place())
        description = TaskDescription(
            name=name,
            # as a field, the number of epochs may be a placeholder too
            space=declared_space({**values, "epochs": epochs} if epochs else values, name),
            objective=parse_objective(self.declared.get("objective")),
            module=module.__name__,
            attribute="",
            origin=self.command,
        )
        sys.modules[module.__name__] = module
        return description

    def _program(self) -> str:
        """The name of the program: of a script's rather than of what runs it."""
        words = [*self.folder.code, *shlex.split(self.command)]
        return re.sub(r"[^A-Za-z0-9._-]", "-", Path(words[0]).stem).lstrip("._-")[:64] or "command"


def _lies_in(folder: Path, word: str) -> bool:
    try:
        path = (folder / word).resolve()
        return path.is_relative_to(folder.resolve()) and path.is_file()
    # an argument may be no path at all, or too long for one
    except (OSError, ValueError):
        return False
