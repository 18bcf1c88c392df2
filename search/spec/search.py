"""What to search: `SearchSpec`, the one door in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

import yaml
from pydantic import BeforeValidator, Field, FiniteFloat, field_validator, model_validator

from tuneyard.search.frozen import Frozen
from tuneyard.search.spec.bounds import check_bounds
from tuneyard.search.spec.durations import Seconds
from tuneyard.search.spec.names import NAME
from tuneyard.search.spec.renamed import refuse_old_keys
from tuneyard.search.spec.resources import LEAST_AMOUNT, LEAST_CPUS, OWN_FIELDS, GpuShare
from tuneyard.search.spec.restrictions import CheckedRestriction
from tuneyard.search.spec.samplers import TPE, Sampler
from tuneyard.search.spec.schedulers import ASHA, Scheduler
from tuneyard.spaces import SearchSpace, Space
from tuneyard.spaces.language.errors import SpaceError, did_you_mean, shown
from tuneyard.spaces.registry import find_description


def _by_kind(value: object) -> object:
    """``"asha"`` stands for ``{"kind": "asha"}``."""
    return {"kind": value} if isinstance(value, str) else value


MAX_TRIALS = 1_000_000
"""The driver keeps something of every trial in memory."""

MAX_CONCURRENT = 10_000
"""Ray keeps a placement group for each trial that runs or waits for a node."""

MAX_EPOCHS = 10**9


class SearchSpec(Frozen):
    """One search.

    Attributes:
        task: Name of the task.
        name: Name of the search; made from the task and the time where it is None.
        data: Which of the task's data sets; the task's first where it is None.
        trials: How many trials, the baseline among them; at most a million.
        time: Wall-clock budget in seconds, or as ``20m``; trials end with their best so far.
        target: Value of the objective that ends the search.
        sampler: What proposes configs: its kind, or its kind and options.
        scheduler: What stops trials: its kind, or its kind and options.
        space: By dotted path, one value, a list of choices, or a range ``{low, high, log}``.
        folds: Rank configs by their mean over so many folds; 1 is the one validation split,
            None what the task says.
        seed: Of the sampler and of every trial.
        cpus_per_trial: CPUs that a trial takes, at least 0.01: with less, more worker processes
            would start on a node than its memory holds.
        gpus_per_trial: GPUs that a trial takes: a share below 1, a whole number, or ``auto``: the
            share that the task's models need by measurement, and none where there is no GPU.
        resources_per_trial: Of Ray's custom resources, what a trial takes.
        max_concurrent_trials: Trials at a time; as many as fit where it is None. Those beyond what
            fits wait for nodes that join.
        keep_checkpoints: How many best checkpoints are kept.
        trial_timeout: Seconds, or a time as ``20m``, within which a trial must have trained
            another epoch; one that hangs for longer is ended, and has failed.
        keep_going: Whether the search goes on after a baseline that raised an error, or after
            first trials that all failed in the same way.
    """

    task: str
    name: str | None = None
    data: str | None = None
    trials: Annotated[int, Field(ge=1, le=MAX_TRIALS)] = 50
    time: Seconds | None = None
    target: FiniteFloat | None = None
    sampler: Annotated[Sampler, BeforeValidator(_by_kind)] = TPE()
    scheduler: Annotated[Scheduler, BeforeValidator(_by_kind)] = ASHA()
    space: dict[str, CheckedRestriction] = Field(default={})
    folds: Annotated[int, Field(ge=1, le=1_000)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    cpus_per_trial: Annotated[FiniteFloat, Field(ge=LEAST_CPUS)] = 1.0
    gpus_per_trial: GpuShare = 0.0
    resources_per_trial: dict[str, Annotated[FiniteFloat, Field(ge=LEAST_AMOUNT)]] = Field(
        default={}
    )
    max_concurrent_trials: Annotated[int, Field(ge=1, le=MAX_CONCURRENT)] | None = None
    keep_checkpoints: Annotated[int, Field(ge=1, le=10_000)] = 3
    trial_timeout: Seconds | None = None
    keep_going: bool = False

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, values: object) -> object:
        check_bounds(values)
        if isinstance(values, Mapping):
            refuse_old_keys(values)
            for key in values:
                if key not in cls.model_fields:
                    near = did_you_mean(str(key), cls.model_fields)
                    raise SpaceError(f"{shown(key)} is not a key of a search; {near}")
        return values

    @field_validator("space", mode="before")
    @classmethod
    def _is_mapping(cls, space: object) -> object:
        if not isinstance(space, Mapping):
            raise SpaceError(f"space must map dotted paths to values, got {shown(space)}")
        return space

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str | None) -> str | None:
        if name is not None and not NAME.fullmatch(name):
            raise SpaceError(
                "name must be letters, digits, dot, dash and underscore, at most 100, without a "
                f"path, got {shown(name)}"
            )
        return name

    @field_validator("gpus_per_trial")
    @classmethod
    def _whole_gpus(cls, gpus: float | Literal["auto"]) -> float | Literal["auto"]:
        if gpus == "auto":
            return gpus
        if gpus > 1 and gpus != int(gpus):
            raise SpaceError(f"gpus_per_trial must be a whole number above 1, got {gpus}")
        if 0 < gpus < LEAST_AMOUNT:
            raise SpaceError(f"gpus_per_trial must be 0, or at least {LEAST_AMOUNT}, got {gpus}")
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
        epochs = max_epochs(self.narrowed())
        if epochs is None:
            epochs = find_description(self.task).epochs
        if epochs is None:
            return self
        if epochs < 1:
            raise SpaceError(f"epochs must be at least 1, got {epochs}")
        if epochs > MAX_EPOCHS:
            raise SpaceError(f"epochs must be at most {MAX_EPOCHS}, got {shown(epochs)}")
        # raises an error where there are too many
        self.scheduler.milestones(epochs)
        return self

    @model_validator(mode="after")
    def _few_at_a_time(self) -> Self:
        if self.scheduler.needs_all_trials and self.trials > MAX_CONCURRENT:
            raise SpaceError(
                f"trials must be at most {MAX_CONCURRENT} with scheduler {self.scheduler.kind}, "
                f"which needs them all at a time, got {self.trials}; use asha for more"
            )
        return self

    @model_validator(mode="after")
    def _data_is_there(self) -> Self:
        if self.data is not None:
            find_description(self.task).check_data(self.data)
        return self

    def narrowed(self) -> Space[SearchSpace]:
        """The task's space as far as this spec leaves it.

        Raises:
            SpaceError: The task or a path is unknown, or a value is outside its domain.
        """
        return find_description(self.task).space.space().narrow(self.space)

    def to_yaml(self) -> str:
        """The spec as a file that `tuneyard search` takes; defaults are left out."""
        values = self.model_dump(mode="json", exclude_defaults=True)
        for part in values.keys() & {"sampler", "scheduler"}:
            values[part] = {"kind": getattr(self, part).kind} | values[part]
        return yaml.safe_dump({"task": self.task} | values, sort_keys=False)


def max_epochs(space: Space[SearchSpace]) -> int | None:
    """The longest training in a space; None where its field `epochs` is missing or no number."""
    values = [
        value for leaf in space.leaves if leaf.path == "epochs" for value in leaf.domain.grid(2)
    ]
    numbers = [value for value in values if isinstance(value, int)]
    return max(numbers, default=None)
