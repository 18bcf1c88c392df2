"""The spaces of all tasks, found by file name: `names_gru.py` has `NamesGruSpace`, "names-gru"."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import tuneyard.spaces.tasks
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.errors import SpaceError, did_you_mean


@cache
def task_spaces() -> dict[str, type[TrainingSpace]]:
    """Every task's space by the task's name."""
    found: dict[str, type[TrainingSpace]] = {}
    for module in pkgutil.iter_modules(tuneyard.spaces.tasks.__path__):
        words = module.name.split("_")
        loaded = importlib.import_module(f"{tuneyard.spaces.tasks.__name__}.{module.name}")
        space = getattr(loaded, "".join(word.capitalize() for word in words) + "Space", None)
        if isinstance(space, type) and issubclass(space, TrainingSpace):
            found["-".join(words)] = space
    return found


def task_space(name: str) -> type[TrainingSpace]:
    """The space of one task.

    Raises:
        SpaceError: There is no task of that name.
    """
    spaces = task_spaces()
    if name not in spaces:
        raise SpaceError(f"there is no task {name!r}; {did_you_mean(name, spaces)}")
    return spaces[name]
