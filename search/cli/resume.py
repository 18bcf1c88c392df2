"""The command `tuneyard resume`."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Annotated

import typer

from tuneyard.search.cli.cluster_options import ClusterOptions
from tuneyard.search.cli.detach import Detach, old_search, start_detached
from tuneyard.search.cli.options import HereOptions, Json, Search, Target, Time
from tuneyard.search.cli.output import LOADING, conclude, print_status, stdout_kept
from tuneyard.search.cli.with_options import with_options
from tuneyard.search.errors import SearchError

if TYPE_CHECKING:
    from tuneyard.search.client.cluster import Cluster
    from tuneyard.search.results.status import SearchStatus
    from tuneyard.search.spec.budget import Budget

HERE = tuple(field.name for field in fields(HereOptions))


@with_options
def resume(
    context: typer.Context,
    search: Search,
    at: ClusterOptions,
    here: HereOptions,
    trials: Annotated[
        str | None,
        typer.Option(metavar="NUMBER|+NUMBER", help="How many in all, or how many more."),
    ] = None,
    time: Time = None,
    target: Target = None,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Of the task's own file, since the start.")
    ] = False,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Goes on with a search that ended or was cut off, here or on a cluster."""
    budget = _budget(trials, time, target)
    there = _goes_there(context, at)
    if detach and not there:
        start_detached(old_search(search, here), here, as_json)
        return
    if there:
        with at.connect() as cluster:
            status = _resume_there(cluster, search, budget)
        print_status(status, at.again(), as_json)
        return
    from tuneyard.search.results.display import announce, displayed

    with stdout_kept(as_json), displayed(show=True):
        announce(LOADING)
        from tuneyard.search.api import resume as run

        found = run(search, here.settings(), budget, accept_changes=accept_changes)
    conclude(found, here, as_json)


def _budget(trials: str | None, time: str | None, target: float | None) -> Budget:
    from pydantic import ValidationError

    from tuneyard.search.spec.budget import Budget
    from tuneyard.spaces.language.errors import one_line

    try:
        return Budget.model_validate({"trials": trials, "time": time, "target": target})
    except ValidationError as error:
        raise SearchError(one_line(error)) from None


def _goes_there(context: typer.Context, at: ClusterOptions) -> bool:
    """Whether a search is resumed on the cluster: what was typed wins over the environment."""
    here = [name for name in HERE if _is_typed(context, name)]
    if here and at.cluster and _is_typed(context, "cluster"):
        raise SearchError(
            f"--{here[0].replace('_', '-')} is for a search that runs here, and --cluster for one "
            "that runs there; leave one of them out"
        )
    return bool(at.cluster) and not here


def _is_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _resume_there(cluster: Cluster, search: str, budget: Budget) -> SearchStatus:
    given = budget.model_dump(exclude_none=True)
    return cluster.extend(search, budget) if given else cluster.resume(search)
