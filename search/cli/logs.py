"""The command `tuneyard logs`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tuneyard.search.cli.cluster_options import ClusterOptions
from tuneyard.search.cli.options import Search
from tuneyard.search.cli.with_options import with_options


@with_options
def logs(
    search: Search,
    at: ClusterOptions,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the search ends.")
    ] = False,
) -> None:
    """Shows the log of a search on a cluster."""
    with at.connect() as cluster:
        for text in cluster.logs(search, follow=follow):
            sys.stdout.write(text)
            sys.stdout.flush()
