"""Finds what is searched by the name of its task, whoever wrote its training loop."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any  # a module's attributes

from tuneyard.spaces.registry import find_description
from tuneyard.trainables.script.command import CommandTask
from tuneyard.trainables.script.script import Script
from tuneyard.trainables.searchable import Searchable
from tuneyard.trainables.task import Task
from tuneyard.trainables.training.trained import TrainedTask


def find_searchable(name: str) -> Searchable:
    """The task with the given name, installed or opened in this process.

    Raises:
        SpaceError: There is no task of that name.
    """
    description = find_description(name)
    module = importlib.import_module(description.module)
    task: Any = getattr(module, description.attribute) if description.attribute else module
    if isinstance(task, Searchable):
        return task
    if isinstance(task, Task):
        return TrainedTask(task)
    if inspect.isclass(task) and issubclass(task, Task):
        return TrainedTask(task())
    if hasattr(task, "command"):
        return CommandTask(description, task.command, Path(task.folder))
    return Script(description, task)
