"""The task that an argument names: an installed one, or a user's file, which is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tuneyard.spaces.description import TaskDescription

TaskOrFile = Annotated[str, typer.Argument(metavar="TASK|FILE.py[:NAME]")]


def named_task(text: str) -> TaskDescription:
    """The description of the task.

    Raises:
        SpaceError: There is no such task, or its file can't be searched; one line.
    """
    from tuneyard.spaces.code.reference import is_file_reference
    from tuneyard.spaces.registry import find_description, open_file

    return open_file(text) if is_file_reference(text) else find_description(text)
