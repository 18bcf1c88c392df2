"""Options that several commands take: each written once, as a field of a class of options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from tuneyard.search.errors import SearchError
from tuneyard.search.spec.kinds import kinds_help
from tuneyard.search.spec.samplers import Sampler
from tuneyard.search.spec.schedulers import Scheduler

if TYPE_CHECKING:
    from tuneyard.search.spec.search import SearchSpec
    from tuneyard.search.spec.settings import Settings

STORAGE = "tuneyard-searches"

Storage = Annotated[
    str,
    typer.Option(
        envvar="TUNEYARD_STORAGE",
        help="Folder that holds one folder per search, or its address in an object store.",
    ),
]
Search = Annotated[str, typer.Argument(metavar="SEARCH")]
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


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What to search."""

    what: Annotated[
        str | None, typer.Argument(metavar="TASK|FILE.py[:NAME]|FILE.yaml", show_default=False)
    ] = None
    command: Annotated[
        str | None,
        typer.Option(help="Instead of a task: any program, with {placeholders} of its space."),
    ] = None
    space: Annotated[
        Path | None, typer.Option("--space", help="YAML with the command's objective and space.")
    ] = None
    name: Annotated[str | None, typer.Option(help="Name of the search.")] = None
    data: Annotated[str | None, typer.Option(help="Which of the task's data sets.")] = None
    trials: Annotated[int | None, typer.Option(help="How many, the baseline among them.")] = None
    time: Time = None
    target: Target = None
    sampler: Annotated[str | None, typer.Option(help=kinds_help(Sampler))] = None
    scheduler: Annotated[str | None, typer.Option(help=kinds_help(Scheduler))] = None
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
    max_concurrent_trials: Annotated[int | None, typer.Option(help="Most trials at a time.")] = None
    keep_checkpoints: Annotated[
        int | None, typer.Option(help="How many best checkpoints are kept.")
    ] = None
    trial_timeout: Annotated[
        str | None,
        typer.Option(metavar="90s|20m|1h30m", help="Longest time that a trial may take an epoch."),
    ] = None
    keep_going: Annotated[
        bool | None,
        typer.Option("--keep-going", help="Search on though the first trials failed."),
    ] = None

    def spec(self, *, own_code: bool = True) -> SearchSpec:
        """The search; options win over the file's keys. A task that is a file is opened.

        Args:
            own_code: Whether the task may be a user's own code rather than an installed task.

        Raises:
            SearchError: The file or an option is wrong; one line.
            CodeError: The task's file can't be searched; one line.
        """
        from tuneyard.search.spec.files import parse_spec
        from tuneyard.search.spec.restrictions import parse_restrictions
        from tuneyard.search.spec.search import SearchSpec

        values = self._task(own_code)
        for key in SearchSpec.model_fields.keys() - {"space"}:
            given = getattr(self, key, None)
            if given is not None:
                values[key] = given
        if self.resources:
            values["resources_per_trial"] = parse_resources(self.resources)
        return parse_spec(values, parse_restrictions(self.sets, self.ranges))

    def _task(self, own_code: bool) -> dict[str, object]:
        """The values of the file, or those that name the task; a user's own code is opened."""
        from tuneyard.search.spec.files import read_spec
        from tuneyard.spaces.code.reference import is_file_reference
        from tuneyard.spaces.registry import open_command, open_file

        if (self.what is None) == (self.command is None):
            raise SearchError("name one of both: a task, or a program by --command")
        if (self.command is None) != (self.space is None):
            raise SearchError("--command and --space go together: a program, and its space in YAML")
        if self.command is not None and self.space is not None:
            _check_goes(self.command, own_code)
            declared = read_spec(self.space)
            return {"task": open_command(self.command, declared, Path.cwd()).name}
        what = str(self.what)
        is_file = what.endswith((".yaml", ".yml"))
        values: dict[str, object] = read_spec(Path(what)) if is_file else {"task": what}
        task = values.get("task")
        if isinstance(task, str) and is_file_reference(task):
            _check_goes(task, own_code)
            # in a spec, a path is relative to the spec
            values["task"] = open_file(task, Path(what).parent if is_file else None).name
        return values


def _check_goes(code: str, own_code: bool) -> None:
    if not own_code:
        raise SearchError(
            f"no code goes to a cluster's service, got {code}; search it with --address ray://..., "
            "mount its file there by TUNEYARD_TASKS, or install it there as a package"
        )


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
    storage: Storage = STORAGE
    tracking_uri: TrackingUri = None

    def settings(self) -> Settings:
        """The same for `search`, which shows its progress."""
        from tuneyard.search.spec.settings import Settings

        return Settings(
            storage=self.storage,
            tracking_uri=self.tracking_uri,
            data_dir=self.data_dir,
            address=self.address,
            display=True,
        )
