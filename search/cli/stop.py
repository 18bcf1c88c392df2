"""The command `tuneyard stop`."""

from __future__ import annotations

import typer

from tuneyard.search.cli.cluster_options import ClusterOptions
from tuneyard.search.cli.options import Json, Search
from tuneyard.search.cli.with_options import with_options


@with_options
def stop(search: Search, at: ClusterOptions, as_json: Json = False) -> None:
    """Ends a search on a cluster: its best so far is tested and registered."""
    with at.connect() as cluster:
        status = cluster.stop(search)
    if as_json:
        typer.echo(status.model_dump_json())
    elif status.state == "running":
        typer.echo(f"Search {search} closes its runs and ends")
    else:
        typer.echo(f"Search {search} is {status.state}")
