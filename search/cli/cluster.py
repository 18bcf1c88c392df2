"""The commands that ask a cluster's service: `tuneyard submit | jobs | logs | stop | resume`."""

from __future__ import annotations

import sys
import time as clock
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated

import typer

from tuneyard.search.cli.options import (
    NO_TRIAL,
    ClusterOptions,
    HereOptions,
    Json,
    SearchOptions,
    Target,
    Time,
    conclude,
    print_result,
    with_options,
)
from tuneyard.search.errors import SearchError

if TYPE_CHECKING:
    from tuneyard.search.client.cluster import Cluster
    from tuneyard.search.results.status import Budget, SearchStatus

INTERRUPTED = 130
"""Exit code after Ctrl+C, as of any command."""

LINE_SECONDS = 10.0
"""There is a line of progress at most this often."""

PLACES = tuple(field.name for field in fields(HereOptions))
Search = Annotated[str, typer.Argument(metavar="SEARCH")]


@with_options
def submit(
    search: SearchOptions,
    at: ClusterOptions,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for the result.")] = False,
    as_json: Json = False,
) -> None:
    """Hands a search over to a cluster, where it waits for its turn."""
    spec = search.spec()
    with at.connect() as cluster:
        status = cluster.submit(spec)
        if follow:
            _follow(cluster, status.search, at.again(), as_json)
        else:
            _print_status(status, at.again(), as_json)


def _follow(cluster: Cluster, search: str, options: str, as_json: bool) -> None:
    """Says on stderr how a search does until it is over, and prints its result.

    Where no trial has succeeded there is no result: its status stands for it in JSON.
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


def _watch(cluster: Cluster, search: str) -> SearchStatus:
    """Says how a search does; its last status."""
    from tuneyard.search.client.tables import status_line
    from tuneyard.search.results.status import TrialStatus

    last: SearchStatus | None = None
    said = 0.0
    for event in cluster.follow(search):
        if isinstance(event, TrialStatus):
            if event.state == "failed":
                typer.echo(f"trial {event.number} failed: {event.reason}", err=True)
            continue
        now = clock.monotonic()
        if last is None or event.state != last.state or now - said >= LINE_SECONDS:
            typer.echo(status_line(event), err=True)
            said = now
        last = event
    # a stream ends with an `end`, which is a status
    assert last is not None
    return last


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
    as_json: Json = False,
) -> None:
    """Goes on with a search that ended or was cut off, here or on a cluster."""
    budget = _budget(trials, time, target)
    if _goes_there(context, at):
        with at.connect() as cluster:
            status = _resume_there(cluster, search, budget)
        _print_status(status, at.again(), as_json)
        return
    from tuneyard.search.api import resume as run

    conclude(run(search, here.settings(), budget), here, as_json)


def _budget(trials: str | None, time: str | None, target: float | None) -> Budget:
    from pydantic import ValidationError

    from tuneyard.search.results.status import Budget
    from tuneyard.spaces.language.errors import one_line

    try:
        return Budget.model_validate({"trials": trials, "time": time, "target": target})
    except ValidationError as error:
        raise SearchError(one_line(error)) from None


def _goes_there(context: typer.Context, at: ClusterOptions) -> bool:
    """Whether a search is resumed on the cluster: what was typed wins over the environment."""
    here = [name for name in PLACES if _is_typed(context, name)]
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
    if budget.trials is not None:
        return cluster.extend(search, budget)
    if budget.time is not None or budget.target is not None:
        raise SearchError(
            "on a cluster --time and --target go with --trials, e.g. --trials +100 --time 20m"
        )
    return cluster.resume(search)


def _print_status(status: SearchStatus, options: str, as_json: bool) -> None:
    from tuneyard.search.client.tables import print_submitted

    if as_json:
        typer.echo(status.model_dump_json())
    else:
        print_submitted(status, options)
