"""The command `tuneyard tasks`."""

from __future__ import annotations

import json

import typer

from tuneyard.search.cli.options import Json


def tasks(as_json: Json = False) -> None:
    """Lists the tasks."""
    from tuneyard.spaces.registry import descriptions

    titles = {name: task.title for name, task in descriptions().items()}
    if as_json:
        typer.echo(json.dumps(titles))
        return
    from tuneyard.search.results.tables import print_table

    print_table(("task", "what it is"), list(titles.items()))
