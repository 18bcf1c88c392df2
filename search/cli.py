"""The command line: `tuneyard tasks | space | search | best | ui`."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional

import typer

if TYPE_CHECKING:
    from tuneyard.search.results import SearchResult

# `--help` must not wait for torch, Ray and MLflow: each command imports what it needs
app = typer.Typer(
    name="tuneyard",
    help="Hyperparameter search for PyTorch: typed spaces, trials on Ray, every run in MLflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

WRONG_INPUT = 2
NO_TRIAL = 1

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")]
Set = Annotated[list[str], typer.Option("--set", help="PATH=VALUE[,VALUE]: only these values.")]
Ranges = Annotated[list[str], typer.Option("--range", help="PATH=LOW:HIGH[:log]: only this range.")]
Storage = Annotated[
    Path, typer.Option(envvar="TUNEYARD_STORAGE", help="Folder that holds a folder a search.")
]
TrackingUri = Annotated[
    Optional[str],  # noqa: UP045 - typer reads it at run time
    typer.Option(help="MLflow's address; MLFLOW_TRACKING_URI, else sqlite:///mlflow.db."),
]
DEFAULT_STORAGE = Path("tuneyard-searches")


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
    from tuneyard.spaces.tasks import task_spaces

    summaries = {
        name: (space.__doc__ or "").strip().partition("\n")[0]
        for name, space in task_spaces().items()
    }
    if as_json:
        typer.echo(json.dumps(summaries))
        return
    from tuneyard.search.tables import print_table

    print_table(("task", "what it is"), list(summaries.items()))


@app.command()
def space(
    task: str,
    sets: Set = [],  # noqa: B006 - typer's way of an option that may come often
    ranges: Ranges = [],  # noqa: B006
    json_schema: Annotated[bool, typer.Option(help="JSON Schema of the configs.")] = False,
) -> None:
    """Shows a task's space: path, type, domain, baseline and condition of each dimension."""
    from tuneyard.search.restrictions import parse_restrictions
    from tuneyard.search.tables import print_space
    from tuneyard.spaces.tasks import task_space

    cls = task_space(task)
    narrowed = cls.space().narrow(parse_restrictions(sets, ranges))
    if json_schema:
        typer.echo(json.dumps(cls.model_json_schema(), indent=2))
    else:
        print_space(narrowed)


@app.command()
def search(
    what: Annotated[str, typer.Argument(metavar="TASK|FILE.yaml")],
    name: Annotated[str | None, typer.Option(help="Name of the search.")] = None,
    trials: Annotated[int | None, typer.Option(help="How many, the baseline among them.")] = None,
    time: Annotated[str | None, typer.Option(help="Wall-clock budget, e.g. 20m.")] = None,
    target: Annotated[float | None, typer.Option(help="Value that ends the search.")] = None,
    sampler: Annotated[
        str | None, typer.Option(help="tpe, random, quasi_random, cma_es, gp, grid")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="asha, hyperband, median, pbt, none")
    ] = None,
    sets: Set = [],  # noqa: B006
    ranges: Ranges = [],  # noqa: B006
    folds: Annotated[int | None, typer.Option(help="Rank by the mean over so many folds.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the sampler and every trial.")] = None,
    cpus_per_trial: Annotated[float | None, typer.Option(help="CPUs that a trial takes.")] = None,
    gpus_per_trial: Annotated[
        float | None, typer.Option(help="GPUs that a trial takes; below 1, a share of one.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(help="Most trials at a time.")] = None,
    keep: Annotated[int | None, typer.Option(help="How many best checkpoints are kept.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(envvar="TUNEYARD_DATA", help="Folder looked in first for data.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="A Ray cluster, instead of this machine.")
    ] = None,
    storage: Storage = DEFAULT_STORAGE,
    tracking_uri: TrackingUri = None,
    as_json: Json = False,
) -> None:
    """Searches a task's space; options win over the file's keys."""
    from tuneyard.search.restrictions import parse_restrictions
    from tuneyard.search.spec import Settings, parse_spec, read_spec

    is_file = what.endswith((".yaml", ".yml"))
    values = read_spec(Path(what)) if is_file else {"task": what}
    options = {
        "name": name,
        "trials": trials,
        "time": time,
        "target": target,
        "sampler": sampler,
        "scheduler": scheduler,
        "folds": folds,
        "seed": seed,
        "cpus_per_trial": cpus_per_trial,
        "gpus_per_trial": gpus_per_trial,
        "concurrency": concurrency,
        "keep": keep,
    }
    restrictions = parse_restrictions(sets, ranges)
    spec = parse_spec(
        values | {key: value for key, value in options.items() if value is not None}, restrictions
    )
    settings = Settings(
        storage=storage,
        tracking_uri=tracking_uri,
        data_dir=data_dir,
        address=address,
        display=True,
    )
    from tuneyard.search import search as run

    result = run(spec, settings)
    _print(result, as_json)
    if not as_json:
        option = f" --tracking-uri {tracking_uri}" if tracking_uri else ""
        typer.echo(f"\nCompare the trials in MLflow: tuneyard ui{option}")
    if result.best is None:
        raise typer.Exit(NO_TRIAL)


@app.command()
def best(
    name: Annotated[str, typer.Argument(metavar="TASK|SEARCH")],
    tracking_uri: TrackingUri = None,
    as_json: Json = False,
) -> None:
    """Shows a search's result, or that of the search which a task's champion comes from."""
    from tuneyard.search.best import find_result
    from tuneyard.search.mlflow_client import check_store, connect

    check_store(tracking_uri, must_exist=True)
    result = find_result(connect(tracking_uri), name)
    _print(result, as_json)
    if result.best is None:
        raise typer.Exit(NO_TRIAL)


def _print(result: SearchResult, as_json: bool) -> None:
    from tuneyard.search.tables import print_result

    if as_json:
        typer.echo(result.model_dump_json())
    else:
        print_result(result)


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5000,
    tracking_uri: TrackingUri = None,
) -> None:
    """Opens the MLflow UI of the local store on 127.0.0.1."""
    from tuneyard.search.mlflow_client import check_store, tracking_address

    uri = tracking_address(tracking_uri)
    if uri.startswith("http"):
        typer.echo(f"MLflow has its UI at {uri}")
        return
    check_store(uri, must_exist=True)
    typer.echo(f"MLflow's UI of {uri}: http://127.0.0.1:{port} (end it with Ctrl+C)")
    arguments = ["-m", "mlflow", "ui", "--backend-store-uri", uri]
    os.execv(
        sys.executable, [sys.executable, *arguments, "--host", "127.0.0.1", "--port", str(port)]
    )
