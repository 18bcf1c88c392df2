"""What several commands print, and the codes that they exit with."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from tuneyard.search.cli.options import HereOptions
    from tuneyard.search.results.result import SearchResult
    from tuneyard.search.results.status import SearchStatus
    from tuneyard.search.spec.settings import Settings

NO_TRIAL = 1
"""Exit code of a search in which no trial succeeded."""

WRONG_INPUT = 2
"""Exit code where the input was wrong."""

LOADING = "loading PyTorch, Ray and MLflow"
"""What takes the first seconds of a search."""

INTERRUPTED = 130
"""Exit code after Ctrl+C, as of any command."""


@contextmanager
def stdout_kept(as_json: bool) -> Iterator[None]:
    """Keeps stdout for one JSON object: what libraries and a user's code print goes to stderr.

    Args:
        as_json: Whether there will be one; otherwise nothing is kept.
    """
    if not as_json:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def print_result(result: SearchResult, as_json: bool) -> None:
    """Prints what a search found, for people or as JSON."""
    from tuneyard.search.results import tables

    if as_json:
        typer.echo(result.model_dump_json())
    else:
        tables.print_result(result)


def print_resume(result: SearchResult, settings: Settings) -> None:
    """Prints how to go on with a search that was cut short; nothing for any other.

    Args:
        result: What it found.
        settings: Where it is.
    """
    if result.state in ("interrupted", "stopped"):
        typer.echo(f"\nGo on with it: {settings.resume_command(result.search)}")


def conclude(result: SearchResult, here: HereOptions, as_json: bool) -> None:
    """Prints what a search that ran here found; exits with 1 where no trial succeeded."""
    print_result(result, as_json)
    if not as_json:
        print_resume(result, here.settings())
        uri = here.tracking_uri
        option = f" --tracking-uri {shlex.quote(uri)}" if uri else ""
        typer.echo(f"\nCompare the trials in MLflow: tuneyard ui{option}")
    if result.best is None:
        raise typer.Exit(NO_TRIAL)


def print_status(status: SearchStatus, options: str, as_json: bool) -> None:
    """Prints how a search stands that was handed to a cluster, for people or as JSON.

    Args:
        status: Of the search.
        options: Those that the commands named need to ask the same cluster.
        as_json: One JSON object in place of the text.
    """
    from tuneyard.search.client.tables import print_submitted

    if as_json:
        typer.echo(status.model_dump_json())
    else:
        print_submitted(status, options)
