"""The command line's entry: puts the commands together, and turns errors into one line each."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import typer

from tuneyard.search.cli.best import best
from tuneyard.search.cli.check import check
from tuneyard.search.cli.jobs import jobs
from tuneyard.search.cli.list import list as list_searches
from tuneyard.search.cli.logs import logs
from tuneyard.search.cli.new import new
from tuneyard.search.cli.output import WRONG_INPUT
from tuneyard.search.cli.resume import resume
from tuneyard.search.cli.search import search
from tuneyard.search.cli.serve import serve
from tuneyard.search.cli.space import space
from tuneyard.search.cli.stop import stop
from tuneyard.search.cli.submit import submit
from tuneyard.search.cli.sync import sync
from tuneyard.search.cli.tasks import tasks
from tuneyard.search.cli.ui import ui

COMMANDS = (tasks, space, new, check, search, resume, sync, list_searches, best, ui, serve)
"""In the order of the help; a new command is a file and its place here."""

CLUSTER_COMMANDS = (submit, jobs, logs, stop)
"""Those that always ask a cluster's service."""

# `--help` must not wait for torch, Ray and MLflow: each command imports what it needs
app = typer.Typer(
    name="tuneyard",
    help="Hyperparameter search for PyTorch: typed spaces, trials on Ray, every run in MLflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in COMMANDS:
    app.command()(_command)
for _command in CLUSTER_COMMANDS:
    app.command(rich_help_panel="On a cluster")(_command)


class _Stderr:
    """`sys.stderr` as it is at the moment: while a display is live, lines go above it."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def main() -> None:
    """Runs a command; a wrong input costs one line and exit code 2."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        # a terminal that closes ends a command in good order, as Ctrl+C does
        signal.signal(signal.SIGHUP, _hang_up)
    logging.basicConfig(stream=_Stderr(), level=logging.WARNING, format="%(message)s")
    logging.getLogger("tuneyard").setLevel(logging.INFO)
    try:
        # what Typer itself finds wrong costs one line too; without arguments it shows its help
        sys.exit(app(standalone_mode=len(sys.argv) < 2))
    except typer.TyperException as error:
        _refuse(f"{_renamed(error) or error.format_message().rstrip('.')}; see tuneyard --help")
    except Exception as error:
        if isinstance(error, _input_errors()):
            # a user's own traceback, or what has changed in a user's file
            typer.echo(getattr(error, "details", ""), err=True, nl=False)
            _refuse(str(error))
        # any argument may be a path, and the system takes no name as long as this
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            _refuse(f"a path is too long, got {error.filename!r}; give a shorter one")
        raise


def _hang_up(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _renamed(error: typer.TyperException) -> str | None:
    """The new name of an option that was given by its old one; None for every other error."""
    from tuneyard.search.spec.renamed import RENAMED

    # Typer keeps its class of unknown options to itself
    option = str(getattr(error, "option_name", ""))
    new = RENAMED.get(option.removeprefix("--"), "").replace("_", "-")
    return f"{option} is now called --{new}" if new else None


def _input_errors() -> tuple[type[Exception], ...]:
    from tuneyard.datasets import DataError
    from tuneyard.search.errors import SearchError
    from tuneyard.spaces import SpaceError

    return (SearchError, SpaceError, DataError)


def _refuse(line: str) -> NoReturn:
    from tuneyard.search.errors import short_line

    typer.echo(f"tuneyard: {short_line(line)}", err=True)
    raise SystemExit(WRONG_INPUT)
