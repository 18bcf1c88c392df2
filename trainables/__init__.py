"""Tasks and the training loop: from a config to a trained, evaluated model.

What a user's file needs is imported from here; each name is imported when it is first used, since
a program that only reports must not wait for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuneyard.trainables.problem import Batch, Metrics, Problem
    from tuneyard.trainables.script.report import report
    from tuneyard.trainables.script.trial import Trial
    from tuneyard.trainables.task import Task

__all__ = ["Batch", "Metrics", "Problem", "Task", "Trial", "report"]

_HOMES = {
    "Batch": "problem",
    "Metrics": "problem",
    "Problem": "problem",
    "Task": "task",
    "Trial": "script.trial",
    "report": "script.report",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
