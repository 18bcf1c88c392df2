"""The tasks there are, by name. Each source finds some of them; the package is one."""

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
    """The tasks of the package, each the `DESCRIPTION` of a module of `tuneyard.spaces.tasks`."""
    for module in pkgutil.iter_modules(tuneyard.spaces.tasks.__path__):
        yield importlib.import_module(f"{tuneyard.spaces.tasks.__name__}.{module.name}").DESCRIPTION


SOURCES: tuple[Source, ...] = (shipped,)


@cache
def descriptions() -> dict[str, TaskDescription]:
    """Every task's description by the task's name.

    Raises:
        SpaceError: Two tasks have one name.
    """
    found: dict[str, TaskDescription] = {}
    for source in SOURCES:
        for task in source():
            if task.name in found:
                raise SpaceError(
                    f"the task {task.name!r} of {task.module} has the name of that of "
                    f"{found[task.name].module}; rename one of them"
                )
            found[task.name] = task
    return found


def find_description(name: str) -> TaskDescription:
    """The description of one task.

    Raises:
        SpaceError: There is no task of that name.
    """
    known = descriptions()
    if name not in known:
        raise SpaceError(f"there is no task {name!r}; {did_you_mean(name, known)}")
    return known[name]
