"""The command `tuneyard list`."""

from __future__ import annotations

import typer

from tuneyard.search.cli.options import STORAGE, Json, Storage, TrackingUri


def list(
    storage: Storage = STORAGE, tracking_uri: TrackingUri = None, as_json: Json = False
) -> None:
    """Lists the searches of this machine, the newest first, and how to go on with those cut off."""
    from tuneyard.search.client.tables import print_jobs
    from tuneyard.search.results.status import SearchPage
    from tuneyard.search.spec.settings import Settings
    from tuneyard.search.tracking.client import check_store
    from tuneyard.search.tracking.local import local_searches

    check_store(tracking_uri, must_exist=True)
    found = local_searches(tracking_uri, storage)
    if as_json:
        typer.echo(SearchPage(searches=found, next=None).model_dump_json())
        return
    print_jobs(found)
    settings = Settings(storage=storage, tracking_uri=tracking_uri)
    for one in found:
        if one.state == "interrupted":
            typer.echo(f"\nGo on with {one.search}: {settings.resume_command(one.search)}")
