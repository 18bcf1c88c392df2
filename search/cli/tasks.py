"""The command `tuneyard tasks`."""

from __future__ import annotations

import json

import typer

from tuneyard.search.cli.options import Json


def tasks(as_json: Json = False) -> None:
    """Lists the tasks: ours, those of installed packages, and of the folder TUNEYARD_TASKS."""
    from tuneyard.spaces.registry import descriptions

    found = descriptions()
    if as_json:
        typer.echo(json.dumps({name: task.title for name, task in found.items()}))
        return
    from tuneyard.search.results.tables import print_table

    rows = [(name, task.title, task.origin) for name, task in found.items()]
    print_table(("task", "what it is", "from"), rows)
