"""The command `tuneyard space`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tuneyard.search.cli.named import TaskOrFile, named_task
from tuneyard.search.cli.options import Ranges, Set


def space(
    task: TaskOrFile,
    sets: Set,
    ranges: Ranges,
    json_schema: Annotated[bool, typer.Option(help="JSON Schema of the configs.")] = False,
) -> None:
    """Shows a task's space: path, type, domain, baseline and condition of each dimension."""
    from tuneyard.search.results.tables import print_space
    from tuneyard.search.spec.restrictions import parse_restrictions

    cls = named_task(task).space
    narrowed = cls.space().narrow(parse_restrictions(sets, ranges))
    if json_schema:
        typer.echo(json.dumps(cls.model_json_schema(), indent=2))
    else:
        print_space(narrowed)
