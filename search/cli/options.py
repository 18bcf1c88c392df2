"""Options that several commands take: each written once, as a field of a class of options."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from tuneyard.search.errors import SearchError

if TYPE_CHECKING:
    from tuneyard.search.client.cluster import Cluster
    from tuneyard.search.results.result import SearchResult
    from tuneyard.search.spec.search import SearchSpec, Settings

NO_TRIAL = 1
"""Exit code of a search in which no trial succeeded."""

ADDRESS = "TUNEYARD_CLUSTER"
TOKEN = "TUNEYARD_TOKEN"

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")]
Set = Annotated[
    list[str],
    typer.Option(
        "--set",
        default_factory=list,
        show_default=False,
        help="PATH=VALUE[,VALUE]: only these values.",
    ),
]
Ranges = Annotated[
    list[str],
    typer.Option(
        "--range",
        default_factory=list,
        show_default=False,
        help="PATH=LOW:HIGH[:log]: only this range.",
    ),
]
Target = Annotated[
    Optional[float],  # noqa: UP045 - typer reads it at run time
    typer.Option(help="Value that ends the search."),
]
Time = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="Wall-clock budget, e.g. 20m."),
]
TrackingUri = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="MLflow's address; MLFLOW_TRACKING_URI, else sqlite:///mlflow.db."),
]


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command for Typer: in place of a parameter of a dataclass, it takes that class's fields."""
    own = signature(command, eval_str=True).parameters
    groups: dict[str, type[Any]] = {
        name: one.annotation
        for name, one in own.items()
        if isinstance(one.annotation, type) and is_dataclass(one.annotation)
    }

    @wraps(command)
    def call(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        command(**values)

    taken: list[Parameter] = []
    for name, parameter in own.items():
        group = groups.get(name)
        taken += signature(group, eval_str=True).parameters.values() if group else [parameter]
    # Typer asks `inspect` what a command takes
    call.__signature__ = Signature(  # type: ignore[attr-defined]
        [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in taken]
    )
    return call


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What to search."""

    what: Annotated[str, typer.Argument(metavar="TASK|FILE.yaml")]
    name: Annotated[str | None, typer.Option(help="Name of the search.")] = None
    data: Annotated[str | None, typer.Option(help="Which of the task's data sets.")] = None
    trials: Annotated[int | None, typer.Option(help="How many, the baseline among them.")] = None
    time: Time = None
    target: Target = None
    sampler: Annotated[
        str | None, typer.Option(help="tpe, random, quasi_random, cma_es, gp, grid")
    ] = None
    scheduler: Annotated[str | None, typer.Option(help="asha, hyperband, median, pbt, none")] = None
    sets: Set
    ranges: Ranges
    folds: Annotated[int | None, typer.Option(help="Rank by the mean over so many folds.")] = None
    seed: Annotated[int | None, typer.Option(help="Of the sampler and every trial.")] = None
    cpus_per_trial: Annotated[float | None, typer.Option(help="CPUs that a trial takes.")] = None
    gpus_per_trial: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER|auto",
            help="GPUs that a trial takes; below 1, a share of one; auto: by measured memory.",
        ),
    ] = None
    resources: Annotated[
        list[str],
        typer.Option(
            "--resource",
            default_factory=list,
            show_default=False,
            help="NAME=AMOUNT: of a custom resource of Ray's, what a trial takes.",
        ),
    ]
    concurrency: Annotated[int | None, typer.Option(help="Most trials at a time.")] = None
    keep: Annotated[int | None, typer.Option(help="How many best checkpoints are kept.")] = None

    def spec(self) -> SearchSpec:
        """The search; options win over the file's keys.

        Raises:
            SearchError: The file or an option is wrong; one line.
        """
        from tuneyard.search.spec.restrictions import parse_restrictions
        from tuneyard.search.spec.search import SearchSpec, parse_spec, read_spec

        is_file = self.what.endswith((".yaml", ".yml"))
        values: dict[str, object] = read_spec(Path(self.what)) if is_file else {"task": self.what}
        for key in SearchSpec.model_fields:
            given = getattr(self, key, None)
            if given is not None:
                values[key] = given
        if self.resources:
            values["resources_per_trial"] = parse_resources(self.resources)
        return parse_spec(values, parse_restrictions(self.sets, self.ranges))


def parse_resources(texts: Sequence[str]) -> dict[str, str]:
    """Amounts, still as text, of custom resources by name, each from ``NAME=AMOUNT``.

    Raises:
        SearchError: One has another form, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, _, amount = text.partition("=")
        if not (name and amount):
            raise SearchError(f"--resource must read NAME=AMOUNT, got {text!r}")
        if name in found:
            raise SearchError(f"resource {name} is given twice; leave one of them out")
        found[name] = amount
    return found


@dataclass(frozen=True, kw_only=True)
class HereOptions:
    """Where a search that this process runs reads and writes."""

    data_dir: Annotated[
        Path | None, typer.Option(envvar="TUNEYARD_DATA", help="Folder looked in first for data.")
    ] = None
    address: Annotated[str | None, typer.Option(help="A Ray cluster, instead of this machine.")] = (
        None
    )
    storage: Annotated[
        str,
        typer.Option(
            envvar="TUNEYARD_STORAGE",
            help="Folder that holds a folder a search; or its address in an object store.",
        ),
    ] = "tuneyard-searches"
    tracking_uri: TrackingUri = None

    def settings(self) -> Settings:
        """The same for `search`, which shows its progress."""
        from tuneyard.search.spec.search import Settings

        return Settings(
            storage=self.storage,
            tracking_uri=self.tracking_uri,
            data_dir=self.data_dir,
            address=self.address,
            display=True,
        )


@dataclass(frozen=True, kw_only=True)
class ClusterOptions:
    """Which cluster's service is asked, and with whose token."""

    cluster: Annotated[
        str | None, typer.Option(envvar=ADDRESS, help="Address of a cluster's service.")
    ] = None
    token_file: Annotated[
        Path | None, typer.Option(help=f"File that holds the token, instead of {TOKEN}.")
    ] = None

    def connect(self) -> Cluster:
        """A client of the service; nothing is sent yet.

        Raises:
            SearchError: There is no address, or it or the token is wrong.
        """
        from tuneyard.search.client.cluster import Cluster

        if not self.cluster:
            raise SearchError(
                f"there is no cluster to ask; name its service with --cluster or {ADDRESS}, e.g. "
                "http://127.0.0.1:8080"
            )
        return Cluster(self.cluster, self._token())

    def _token(self) -> str | None:
        if self.token_file is None:
            return os.environ.get(TOKEN, "").strip() or None
        try:
            return self.token_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise SearchError(f"can't read --token-file {self.token_file}: {reason}") from None

    def again(self) -> str:
        """The options that another command needs to ask the same service; most often none."""
        options: list[str] = []
        if self.cluster is not None and self.cluster != os.environ.get(ADDRESS):
            options += ["--cluster", self.cluster]
        if self.token_file is not None:
            options += ["--token-file", str(self.token_file)]
        return "".join(f" {shlex.quote(word)}" for word in options)


def print_result(result: SearchResult, as_json: bool) -> None:
    """Prints what a search found, for people or as JSON."""
    from tuneyard.search.results import tables

    if as_json:
        typer.echo(result.model_dump_json())
    else:
        tables.print_result(result)


def conclude(result: SearchResult, here: HereOptions, as_json: bool) -> None:
    """Prints what a search that ran here found; exits with 1 where no trial succeeded."""
    print_result(result, as_json)
    if not as_json:
        uri = here.tracking_uri
        option = f" --tracking-uri {shlex.quote(uri)}" if uri else ""
        typer.echo(f"\nCompare the trials in MLflow: tuneyard ui{option}")
    if result.best is None:
        raise typer.Exit(NO_TRIAL)
