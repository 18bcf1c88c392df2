"""The user's own code of a search: recorded in its folder, and opened again for a resume."""

from __future__ import annotations

import difflib
import json
import logging
from collections.abc import Mapping

from tuneyard.search.storage.folder import CODE, SearchFolder
from tuneyard.search.tune.resources import has_several_nodes
from tuneyard.spaces.code.command import CommandCode
from tuneyard.spaces.code.errors import CodeError
from tuneyard.spaces.code.file import FileCode
from tuneyard.spaces.registry import Code, open_code, recorded_code

logger = logging.getLogger(__name__)

MOST_LINES = 40
"""Lines of a difference that are shown."""

MOST_NAMES = 5
"""Files that are named in a line."""


def warn_of_left_out(code: Code | None) -> None:
    """Says which files do not travel to the other nodes of the cluster, where there are any."""
    left_out = code.folder.left_out if isinstance(code, FileCode | CommandCode) else ()
    if left_out and has_several_nodes():
        more = len(left_out) - MOST_NAMES
        logger.warning(
            "too large to travel to the other nodes with the code, and missing there: %s%s; what "
            "load_data returns does travel",
            ", ".join(left_out[:MOST_NAMES]),
            f" and {more} more" if more > 0 else "",
        )


def record_code(folder: SearchFolder, code: Code | None) -> None:
    """Writes the code into the search's folder, where a resume compares it."""
    if code is not None:
        folder.write(CODE, json.dumps(code.record(), indent=2))


def reopen_code(folder: SearchFolder, task: str, *, accept_changes: bool) -> None:
    """Opens the code that a search was started with.

    Of a file that is gone, the search's own copy is taken.

    Args:
        folder: Of the search.
        task: Name of its task.
        accept_changes: Whether the code may have changed since.

    Raises:
        CodeError: The code can't be had any more, or has changed.
    """
    if not folder.has(CODE):
        return
    record = json.loads(folder.read(CODE))
    code = recorded_code(record)
    if code.sources != record["sources"] and not accept_changes:
        raise CodeError(
            f"the code of task {task!r} has changed since the search was started: undo that, "
            "resume with --accept-changes, or start a new search",
            difference(record["sources"], code.sources),
        )
    open_code(code)


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What has changed between two versions of some files, as a unified diff."""
    lines: list[str] = []
    for name in sorted({*before, *now}):
        lines += difflib.unified_diff(
            before.get(name, "").splitlines(keepends=True),
            now.get(name, "").splitlines(keepends=True),
            f"{name} at the start",
            f"{name} now",
        )
    more = len(lines) - MOST_LINES
    shown = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines[:MOST_LINES])
    return f"{shown}... and {more} more lines\n" if more > 0 else shown
