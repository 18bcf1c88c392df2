"""The command line: `tuneyard tasks | space | search | best | ui`, and those of a cluster."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Annotated, NoReturn

import typer

from tuneyard.search.cli import cluster as cli_cluster
from tuneyard.search.cli.options import (
    NO_TRIAL,
    HereOptions,
    Json,
    Ranges,
    SearchOptions,
    Set,
    TrackingUri,
    conclude,
    print_result,
    with_options,
)
from tuneyard.search.cli.serve import serve

# `--help` must not wait for torch, Ray and MLflow: each command imports what it needs
app = typer.Typer(
    name="tuneyard",
    help="Hyperparameter search for PyTorch: typed spaces, trials on Ray, every run in MLflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

WRONG_INPUT = 2


def main() -> None:
    """Runs a command; a wrong input costs one line and exit code 2."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    logging.getLogger("tuneyard").setLevel(logging.INFO)
    try:
        # what Typer itself finds wrong costs one line too; without arguments it shows its help
        sys.exit(app(standalone_mode=len(sys.argv) < 2))
    except typer.TyperException as error:
        _refuse(f"{error.format_message().rstrip('.')}; see tuneyard --help")
    except Exception as error:
        if isinstance(error, _input_errors()):
            _refuse(str(error))
        raise


def _input_errors() -> tuple[type[Exception], ...]:
    from tuneyard.datasets import DataError
    from tuneyard.search.errors import SearchError
    from tuneyard.spaces import SpaceError

    return (SearchError, SpaceError, DataError)


def _refuse(line: str) -> NoReturn:
    typer.echo(f"tuneyard: {line}", err=True)
    raise SystemExit(WRONG_INPUT)


@app.command()
def tasks(as_json: Json = False) -> None:
    """Lists the tasks."""
    from tuneyard.spaces.registry import descriptions

    summaries = {
        name: (space.__doc__ or "").strip().partition("\n")[0]
        for name, space in descriptions().items()
    }
    if as_json:
        typer.echo(json.dumps(summaries))
        return
    from tuneyard.search.results.tables import print_table

    print_table(("task", "what it is"), list(summaries.items()))


@app.command()
def space(
    task: str,
    sets: Set,
    ranges: Ranges,
    json_schema: Annotated[bool, typer.Option(help="JSON Schema of the configs.")] = False,
) -> None:
    """Shows a task's space: path, type, domain, baseline and condition of each dimension."""
    from tuneyard.search.results.tables import print_space
    from tuneyard.search.spec.restrictions import parse_restrictions
    from tuneyard.spaces.registry import find_description

    cls = find_description(task).space
    narrowed = cls.space().narrow(parse_restrictions(sets, ranges))
    if json_schema:
        typer.echo(json.dumps(cls.model_json_schema(), indent=2))
    else:
        print_space(narrowed)


@app.command()
@with_options
def search(what: SearchOptions, here: HereOptions, as_json: Json = False) -> None:
    """Searches a task's space; options win over the file's keys."""
    spec = what.spec()
    from tuneyard.search import search as run

    conclude(run(spec, here.settings()), here, as_json)


app.command()(cli_cluster.resume)


@app.command()
def best(
    name: Annotated[str, typer.Argument(metavar="TASK|SEARCH")],
    tracking_uri: TrackingUri = None,
    as_json: Json = False,
) -> None:
    """Shows a search's result, or that of the search which a task's champion comes from."""
    from tuneyard.search.tracking.client import check_store, connect
    from tuneyard.search.tracking.result import find_result

    check_store(tracking_uri, must_exist=True)
    result = find_result(connect(tracking_uri), name)
    print_result(result, as_json)
    if result.best is None:
        raise typer.Exit(NO_TRIAL)


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5000,
    tracking_uri: TrackingUri = None,
) -> None:
    """Opens the MLflow UI of the local store on 127.0.0.1."""
    from tuneyard.search.access import shown
    from tuneyard.search.tracking.client import check_store, tracking_address

    uri = tracking_address(tracking_uri)
    if uri.startswith("http"):
        typer.echo(f"MLflow has its UI at {shown(uri)}")
        return
    check_store(uri, must_exist=True)
    typer.echo(f"MLflow's UI of {shown(uri)}: http://127.0.0.1:{port} (end it with Ctrl+C)")
    # not as an argument, which everybody on the machine may read: it may hold a password
    os.environ["MLFLOW_BACKEND_STORE_URI"] = uri
    # of its four workers and its job queue one person needs one worker
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    arguments = ["-m", "mlflow", "ui", "--workers", "1"]
    os.execv(
        sys.executable, [sys.executable, *arguments, "--host", "127.0.0.1", "--port", str(port)]
    )


app.command()(serve)
for _command in (cli_cluster.submit, cli_cluster.jobs, cli_cluster.logs, cli_cluster.stop):
    app.command(rich_help_panel="On a cluster")(_command)


if __name__ == "__main__":
    main()
