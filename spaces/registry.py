"""The registry of tasks by name: those of the package, installed ones, and those opened here."""

from __future__ import annotations

import importlib
import logging
import os
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Protocol  # Any: JSON

import tuneyard.spaces.tasks
from tuneyard.spaces.code.command import CommandCode
from tuneyard.spaces.code.describe import describe_functions
from tuneyard.spaces.code.errors import CodeError, raised
from tuneyard.spaces.code.file import FileCode
from tuneyard.spaces.code.functions import FunctionCode
from tuneyard.spaces.code.reference import FileReference
from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.language.errors import SpaceError, did_you_mean, shown

logger = logging.getLogger(__name__)

ENTRY_POINTS = "tuneyard.tasks"
"""The group of entry points by which an installed package registers its tasks."""

FOLDER = "TUNEYARD_TASKS"
"""The environment variable that names a folder of files whose tasks count as installed."""


class Code(Protocol):
    """A user's own code, which travels to the workers: a file, functions, or a command."""

    @property
    def digest(self) -> str:
        """The sha256 (hex) of the code."""

    @property
    def sources(self) -> dict[str, str]:
        """The text of the code, by the names of its files."""

    def describe(self) -> TaskDescription:
        """Loads the code in this process, and describes its task."""

    def record(self) -> dict[str, Any]:
        """What a search keeps of the code, as JSON; see `recorded_code`."""


def recorded_code(record: Mapping[str, Any]) -> Code:
    """The code that a search was started with, as it is now.

    Args:
        record: What `Code.record` returned.

    Raises:
        CodeError: It can't be had any more.
    """
    opened = _opened.get(record.get("name", ""))
    if opened is not None and opened.code is not None:
        return opened.code
    return _KINDS[record["kind"]](record)


_KINDS: dict[str, Callable[[Mapping[str, Any]], Code]] = {
    "file": FileCode.recorded,
    "command": CommandCode.recorded,
    "functions": FunctionCode.recorded,
}


@dataclass(frozen=True)
class Installed:
    """A task that a process finds by its name, and its code where that must travel."""

    description: TaskDescription
    code: Code | None = None


Source = Callable[[], Iterator[Installed]]
_opened: dict[str, Installed] = {}


def shipped() -> Iterator[Installed]:
    """Yields the tasks of the package: the `DESCRIPTION` of each module in `spaces/tasks`."""
    for module in pkgutil.iter_modules(tuneyard.spaces.tasks.__path__):
        name = f"{tuneyard.spaces.tasks.__name__}.{module.name}"
        yield Installed(importlib.import_module(name).DESCRIPTION)


def packaged() -> Iterator[Installed]:
    """Yields the tasks that installed packages register; one that can't be loaded is named."""
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            yield Installed(_describe_entry(entry))
        # it is a stranger's code: whatever it raises, the other tasks are there
        except (Exception, SystemExit) as error:
            logger.warning(
                "the task %s of %s can't be loaded: %s", entry.name, _origin(entry), raised(error)
            )


def _describe_entry(entry: EntryPoint) -> TaskDescription:
    task, origin = entry.load(), _origin(entry)
    own = task if isinstance(task, TaskDescription) else getattr(task, "description", None)
    if isinstance(own, TaskDescription):
        here = own if own is task else replace(own, module=entry.module, attribute=entry.attr)
        return replace(here, name=entry.name, origin=origin)
    found = describe_functions(
        task, entry.module, entry.attr, place=entry.value, name=entry.name, origin=origin
    )
    return replace(found, name=entry.name)


def _origin(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.module


def mounted() -> Iterator[Installed]:
    """Yields the tasks of the files in the folder that ``TUNEYARD_TASKS`` names."""
    folder = os.environ.get(FOLDER)
    for path in sorted(Path(folder).glob("*.py")) if folder else ():
        try:
            code = FileCode.read(FileReference(path.resolve()))
            for description in code.describe_all():
                yield Installed(description, replace(code, attribute=description.attribute))
        except CodeError as error:
            logger.warning("the tasks of %s can't be loaded: %s", path, error)


SOURCES: tuple[Source, ...] = (shipped, packaged, mounted)


@cache
def _installed(sources: tuple[Source, ...]) -> dict[str, Installed]:
    found: dict[str, Installed] = {}
    for source in sources:
        for task in source():
            name = task.description.name
            if name in found:
                raise SpaceError(
                    f"the task {name!r} of {_place(task)} has the same name as that of "
                    f"{_place(found[name])}; rename one of them"
                )
            found[name] = task
    return found


def _place(task: Installed) -> str:
    ours = task.description.origin == "tuneyard"
    return task.description.module if ours else task.description.origin


def descriptions() -> dict[str, TaskDescription]:
    """The descriptions of all installed tasks, by the names of the tasks.

    Raises:
        SpaceError: Two tasks have the same name.
    """
    return {name: task.description for name, task in _installed(SOURCES).items()}


def _find(name: str) -> Installed:
    """A task; those of others are loaded only where the package has none of that name."""
    known = _opened.get(name) or _installed(SOURCES[:1]).get(name)
    if known is None:
        installed = _installed(SOURCES)
        if name not in installed:
            raise SpaceError(f"there is no task {shown(name)}; {did_you_mean(name, installed)}")
        known = installed[name]
    return known


def find_description(name: str) -> TaskDescription:
    """The description of an installed task, or of one that this process has opened.

    Raises:
        SpaceError: There is no task of that name.
    """
    return _find(name).description


def find_code(name: str) -> Code | None:
    """The code of a task that must travel to the workers; None where it is installed there."""
    return _find(name).code


def open_file(reference: str, folder: Path | None = None) -> TaskDescription:
    """Opens a user's file in this process: its task is found by its name from now on.

    Args:
        reference: ``my_task.py``, or ``my_task.py:Other``.
        folder: What a relative path is relative to; None means the current folder.

    Raises:
        CodeError: The file can't be searched; one line.
        SpaceError: An installed task has the same name.
    """
    return open_code(FileCode.read(FileReference.parse(reference, folder)))


def open_command(command: str, declared: Mapping[str, Any], folder: Path) -> TaskDescription:
    """Opens a program in this process; see `CommandCode.read` and `open_file`."""
    return open_code(CommandCode.read(command, declared, folder))


def open_code(code: Code) -> TaskDescription:
    """Opens a user's code in this process; see `open_file`."""
    description = code.describe()
    known = _installed(SOURCES[:1]).get(description.name)
    if known is not None:
        raise SpaceError(
            f"the task {description.name!r} of {description.origin} has the same name as that of "
            f"{_place(known)}; rename the file, or give it a line such as name = 'my-"
            f"{description.name}'"
        )
    _opened[description.name] = Installed(description, code)
    return description


@dataclass(frozen=True)
class Carried:
    """Code on its way to another process, which opens it when it arrives.

    What is pickled after it may refer to the classes of the code.
    """

    code: Code

    def __reduce__(self) -> tuple[Callable[[Code], Carried], tuple[Code]]:
        return _arrived, (self.code,)


def _arrived(code: Code) -> Carried:
    open_code(code)
    return Carried(code)
