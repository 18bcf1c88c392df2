"""The command `tuneyard check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tuneyard.search.cli.named import TaskOrFile, named_task

FAILED = 1
"""Exit code where a check failed."""

MARKS = {"passed": "✓", "failed": "✗", "skipped": "-"}


def check(
    task: TaskOrFile,
    data_dir: Annotated[
        Path | None, typer.Option(envvar="TUNEYARD_DATA", help="Folder looked in first for data.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Which of the task's data sets.")] = None,
) -> None:
    """Trains two epochs of the baseline: does it learn, resume exactly, repeat itself?"""
    from tuneyard.trainables.checks import Checks
    from tuneyard.trainables.find import find_searchable

    description = named_task(task)
    found = find_searchable(description.name)
    dimensions = len(description.space.space().dimensions())
    objective = description.objective
    typer.echo(
        f"{description.name}: {objective.mode} {objective.metric}, {dimensions} dimensions searched"
    )
    failed = False
    for one in Checks(found, found.load(data_dir, data)).run():
        failed = failed or one.outcome == "failed"
        typer.echo(f"{MARKS[one.outcome]} {one.name}: {one.said}")
    if failed:
        raise typer.Exit(FAILED)
    typer.echo(f"\nSearch it: tuneyard search {task} --trials 50")
