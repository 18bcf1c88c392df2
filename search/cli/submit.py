"""The command `tuneyard submit`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from tuneyard.search.cli.cluster_options import ClusterOptions
from tuneyard.search.cli.options import Json, SearchOptions
from tuneyard.search.cli.output import INTERRUPTED, NO_TRIAL, print_result, print_status
from tuneyard.search.cli.with_options import with_options

if TYPE_CHECKING:
    from tuneyard.search.client.cluster import Cluster
    from tuneyard.search.results.status import SearchStatus

LINE_SECONDS = 10.0
"""The shortest time between two lines of progress."""


@with_options
def submit(
    search: SearchOptions,
    at: ClusterOptions,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for the result.")] = False,
    as_json: Json = False,
) -> None:
    """Hands a search over to a cluster, where it waits for its turn."""
    spec = search.spec(own_code=False)
    with at.connect() as cluster:
        status = cluster.submit(spec)
        if follow:
            _follow(cluster, status.search, at.again(), as_json)
        else:
            print_status(status, at.again(), as_json)


def _follow(cluster: Cluster, search: str, options: str, as_json: bool) -> None:
    """Reports on stderr how a search is doing until it is over, and prints its result.

    Where no trial has succeeded there is no result, and JSON output is the status instead.
    """
    from tuneyard.search.client.http import MissingError

    typer.echo(f"Search {search}", err=True)
    try:
        status = _watch(cluster, search)
    except KeyboardInterrupt:
        typer.echo(
            f"{search} goes on without you; follow it with: tuneyard logs -f {search}{options}; "
            f"stop it with: tuneyard stop {search}{options}",
            err=True,
        )
        raise typer.Exit(INTERRUPTED) from None
    if status.state == "interrupted":
        typer.echo(f"Go on with it: tuneyard resume {search}{options}", err=True)
    try:
        print_result(cluster.best(search), as_json)
    except MissingError as error:
        typer.echo(f"tuneyard: {error}", err=True)
        if as_json:
            typer.echo(status.model_dump_json())
        raise typer.Exit(NO_TRIAL) from None
    if status.state not in ("completed", "stopped"):
        # what it has found so far is no result yet
        raise typer.Exit(NO_TRIAL)


def _watch(cluster: Cluster, search: str) -> SearchStatus:
    """Reports on stderr how a search is doing; returns its last status."""
    from tuneyard.search.client.tables import status_line
    from tuneyard.search.results.status import TrialStatus

    last: SearchStatus | None = None
    said = 0.0
    for event in cluster.follow(search):
        if isinstance(event, TrialStatus):
            if event.state == "failed":
                typer.echo(f"trial {event.number} failed: {event.reason}", err=True)
            continue
        now = time.monotonic()
        if last is None or event.state != last.state or now - said >= LINE_SECONDS:
            typer.echo(status_line(event), err=True)
            said = now
        last = event
    # a stream ends with an `end`, which is a status
    assert last is not None
    return last
