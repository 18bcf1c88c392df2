"""What to search and where: `SearchSpec`, the one door in, and `Settings`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    FiniteFloat,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from tuneyard.search.errors import SearchError
from tuneyard.search.frozen import Frozen
from tuneyard.search.spec.samplers import TPE, Sampler
from tuneyard.search.spec.schedulers import ASHA, Scheduler
from tuneyard.spaces import Range, Space, Value
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.errors import SpaceError, did_you_mean, one_line
from tuneyard.spaces.registry import find_description

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
OWN_FIELDS = {"cpu": "cpus_per_trial", "gpu": "gpus_per_trial"}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(value: object) -> object:
    """``"90"``, ``"90s"``, ``"20m"`` or ``"1h30m"`` as seconds; what is no text as it is."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if re.fullmatch(r"(\d+(\.\d+)?[smhd])+", text):
        parts = re.findall(r"([\d.]+)([smhd])", text)
        return sum(float(number) * UNITS[unit] for number, unit in parts)
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be seconds, or a time like 90s, 20m or 1h30m") from None


def _by_kind(value: object) -> object:
    """``"asha"`` stands for ``{"kind": "asha"}``."""
    return {"kind": value} if isinstance(value, str) else value


def _form(value: object) -> str | None:
    """Which of the three forms a restriction has, so that an error speaks of that one alone."""
    if isinstance(value, Mapping | Range):
        return "range"
    if isinstance(value, list | tuple):
        return "choices" if all(isinstance(choice, Value) for choice in value) else None
    return "value" if isinstance(value, Value) else None


def _one_rule(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Not a problem for each side of the union."""
    try:
        return validate(value)
    except ValidationError:
        raise ValueError("must be auto, or a number of at least 0") from None


Seconds = Annotated[FiniteFloat, BeforeValidator(parse_duration), Field(gt=0)]
Gpus = Annotated[Annotated[FiniteFloat, Field(ge=0)] | Literal["auto"], WrapValidator(_one_rule)]
Restriction = Annotated[
    Annotated[Value, Tag("value")]
    | Annotated[list[Value], Tag("choices")]
    | Annotated[Range, Tag("range")],
    Discriminator(
        _form,
        custom_error_type="restriction",
        custom_error_message="must be one value, a list of values, or a range {low, high, log}",
    ),
]


class SearchSpec(Frozen):
    """One search.

    Attributes:
        task: Name of the task.
        name: Name of the search; made from the task and the time where it is None.
        data: Which of the task's data sets; the task's first where it is None.
        trials: How many trials, the baseline among them.
        time: Wall-clock budget in seconds, or as ``20m``; trials end with their best so far.
        target: Value of the objective that ends the search.
        sampler: What proposes configs: its kind, or its kind and options.
        scheduler: What stops trials: its kind, or its kind and options.
        space: By dotted path, one value, a list of choices, or a range ``{low, high, log}``.
        folds: Rank configs by their mean over so many folds; 1 is the one validation part, None
            what the task says.
        seed: Of the sampler and of every trial.
        cpus_per_trial: CPUs that a trial takes.
        gpus_per_trial: GPUs that a trial takes: a share below 1, a whole number, or ``auto``: the
            share that the task's models need by measurement, and none where there is no GPU.
        resources_per_trial: Of Ray's custom resources, what a trial takes.
        concurrency: Trials at a time; as many as fit where it is None. Those beyond what fits wait
            for nodes that join.
        keep: How many best checkpoints are kept.
    """

    task: str
    name: str | None = None
    data: str | None = None
    trials: Annotated[int, Field(ge=1)] = 50
    time: Seconds | None = None
    target: FiniteFloat | None = None
    sampler: Annotated[Sampler, BeforeValidator(_by_kind)] = TPE()
    scheduler: Annotated[Scheduler, BeforeValidator(_by_kind)] = ASHA()
    space: dict[str, Restriction] = Field(default={})
    folds: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    cpus_per_trial: Annotated[FiniteFloat, Field(gt=0)] = 1.0
    gpus_per_trial: Gpus = 0.0
    resources_per_trial: dict[str, Annotated[FiniteFloat, Field(gt=0)]] = Field(default={})
    concurrency: Annotated[int, Field(ge=1)] | None = None
    keep: Annotated[int, Field(ge=1)] = 3

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str | None) -> str | None:
        if name is not None and not NAME.fullmatch(name):
            raise SpaceError(
                "name must be letters, digits, dot, dash and underscore, at most 100, without a "
                f"path, got {name!r}"
            )
        return name

    @field_validator("gpus_per_trial")
    @classmethod
    def _whole_gpus(cls, gpus: float | Literal["auto"]) -> float | Literal["auto"]:
        if gpus != "auto" and gpus > 1 and gpus != int(gpus):
            raise SpaceError(f"gpus_per_trial must be a whole number above 1, got {gpus}")
        return gpus

    @field_validator("resources_per_trial")
    @classmethod
    def _custom_resources(cls, resources: dict[str, float]) -> dict[str, float]:
        for name in resources:
            if name.lower() in OWN_FIELDS:
                raise SpaceError(
                    f"resources_per_trial is for custom resources; give {name} as "
                    f"{OWN_FIELDS[name.lower()]}"
                )
        return resources

    @model_validator(mode="after")
    def _space_narrows(self) -> Self:
        if self.max_epochs() < 1:
            raise SpaceError(f"epochs must be at least 1, got {self.max_epochs()}")
        return self

    @model_validator(mode="after")
    def _data_is_there(self) -> Self:
        if self.data is not None:
            find_description(self.task).check_data(self.data)
        return self

    def narrowed(self) -> Space[TrainingSpace]:
        """The task's space as far as this spec leaves it.

        Raises:
            SpaceError: The task or a path is unknown, or a value is outside its domain.
        """
        return find_description(self.task).space.space().narrow(self.space)

    def max_epochs(self) -> int:
        """The longest training in the narrowed space."""
        epochs = next(leaf for leaf in self.narrowed().leaves if leaf.path == "epochs")
        return max(int(str(value)) for value in epochs.domain.grid(2))

    def to_yaml(self) -> str:
        """The spec as a file that `tuneyard search` takes; defaults are left out."""
        values = self.model_dump(mode="json", exclude_defaults=True)
        for part in values.keys() & {"sampler", "scheduler"}:
            values[part] = {"kind": getattr(self, part).kind} | values[part]
        return yaml.safe_dump({"task": self.task} | values, sort_keys=False)


class Settings(Frozen):
    """Where a search runs and writes; none of it changes what is searched.

    Attributes:
        storage: Folder that holds a folder for each search, or its address in an object store, e.g.
            ``s3://bucket/searches``; on a cluster every node must reach it.
        tracking_uri: MLflow's address; None means MLflow's own default, ``MLFLOW_TRACKING_URI`` or
            ``sqlite:///mlflow.db``.
        studies: Optuna storage that searches are mirrored to, e.g. ``postgresql://host/optuna``;
            None means ``TUNEYARD_STUDIES``, or a journal in the search's folder.
        data_dir: Folder looked in first for data; None means ``TUNEYARD_DATA``.
        address: A Ray cluster to use; None starts Ray here.
        display: Show progress on stderr.
    """

    storage: Path | str = Path("tuneyard-searches")
    tracking_uri: str | None = None
    studies: str | None = None
    data_dir: Path | None = None
    address: str | None = None
    display: bool = False


def parse_spec(
    values: Mapping[str, object], restrictions: Mapping[str, object] | None = None
) -> SearchSpec:
    """A spec from plain values.

    Args:
        values: By key.
        restrictions: More of the space, which win over those in `values`.

    Raises:
        SearchError: A key or a value is wrong; one line.
    """
    for key in values:
        if key not in SearchSpec.model_fields:
            near = did_you_mean(str(key), SearchSpec.model_fields)
            raise SearchError(f"{key!r} is not a key of a search; {near}")
    space = values.get("space") or {}
    if not isinstance(space, Mapping):
        raise SearchError(f"space must map dotted paths to values, got {space!r}")
    try:
        return SearchSpec.model_validate({**values, "space": {**space, **(restrictions or {})}})
    except ValidationError as error:
        raise SearchError(one_line(error)) from None


def read_spec(path: Path) -> dict[str, object]:
    """The values of a YAML file, not yet validated.

    Raises:
        SearchError: There is no such file, or it is not a mapping in YAML; one line.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except OSError as error:
        raise SearchError(f"can't read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SearchError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise SearchError(f"{path} must be a mapping with the key task, got {values!r}")
    return values
