"""The command `tuneyard jobs`."""

from __future__ import annotations

from typing import Annotated

import typer

from tuneyard.search.cli.cluster_options import ClusterOptions
from tuneyard.search.cli.options import Json
from tuneyard.search.cli.with_options import with_options


@with_options
def jobs(
    at: ClusterOptions,
    task: Annotated[str | None, typer.Option(help="Only searches of this task.")] = None,
    state: Annotated[
        str | None,
        typer.Option(help="queued, running, interrupted, completed, stopped, failed"),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """Lists a cluster's searches, the newest first."""
    from tuneyard.search.client.tables import print_jobs

    with at.connect() as cluster:
        page = cluster.jobs(task=task, state=state, limit=limit)
    if as_json:
        typer.echo(page.model_dump_json())
    else:
        print_jobs(page.searches)
