"""The command `tuneyard best`."""

from __future__ import annotations

from typing import Annotated

import typer

from tuneyard.search.cli.options import STORAGE, Json, Storage, TrackingUri
from tuneyard.search.cli.output import NO_TRIAL, print_result, print_resume


def best(
    name: Annotated[str, typer.Argument(metavar="TASK|SEARCH")],
    storage: Storage = STORAGE,
    tracking_uri: TrackingUri = None,
    as_json: Json = False,
) -> None:
    """Shows a search's result, or that of the search which a task's champion comes from."""
    from tuneyard.search.models.champions import find_result
    from tuneyard.search.spec.settings import Settings
    from tuneyard.search.tracking.client import check_store, connect

    check_store(tracking_uri, must_exist=True)
    result = find_result(connect(tracking_uri), name, storage)
    print_result(result, as_json)
    if not as_json:
        print_resume(result, Settings(storage=storage, tracking_uri=tracking_uri))
    if result.best is None:
        raise typer.Exit(NO_TRIAL)
