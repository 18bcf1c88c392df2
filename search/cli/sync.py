"""The command `tuneyard sync`."""

from __future__ import annotations

import typer

from tuneyard.search.cli.options import HereOptions, Search
from tuneyard.search.cli.with_options import with_options


@with_options
def sync(search: Search, here: HereOptions) -> None:
    """Writes what MLflow lacks of a search, from the search's folder, into any MLflow."""
    from tuneyard.search.api import sync as run

    state = run(search, here.settings())
    typer.echo(f"MLflow has all of search {search}, which is {state}.")
