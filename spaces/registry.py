"""The registry of tasks by name; each source finds some of them, and the package is one source."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache

import tuneyard.spaces.tasks
from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.language.errors import SpaceError, did_you_mean

Source = Callable[[], Iterator[TaskDescription]]


def shipped() -> Iterator[TaskDescription]:
    """Yields the tasks of the package: the `DESCRIPTION` of each module in `spaces/tasks`."""
    for module in pkgutil.iter_modules(tuneyard.spaces.tasks.__path__):
        yield importlib.import_module(f"{tuneyard.spaces.tasks.__name__}.{module.name}").DESCRIPTION


SOURCES: tuple[Source, ...] = (shipped,)


@cache
def descriptions() -> dict[str, TaskDescription]:
    """The descriptions of all tasks, by the names of the tasks.

    Raises:
        SpaceError: Two tasks have the same name.
    """
    found: dict[str, TaskDescription] = {}
    for source in SOURCES:
        for task in source():
            if task.name in found:
                raise SpaceError(
                    f"the task {task.name!r} of {task.module} has the same name as that of "
                    f"{found[task.name].module}; rename one of them"
                )
            found[task.name] = task
    return found


def find_description(name: str) -> TaskDescription:
    """The description of the task with the given name.

    Raises:
        SpaceError: There is no task of that name.
    """
    known = descriptions()
    if name not in known:
        raise SpaceError(f"there is no task {name!r}; {did_you_mean(name, known)}")
    return known[name]
