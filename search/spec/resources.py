"""What a trial takes of a Ray cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import (
    Field,
    FiniteFloat,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

LEAST_CPUS = 0.01
"""A hundred processes that import PyTorch, each of some 300 MiB, are enough for one CPU."""

LEAST_AMOUNT = 0.0001
"""Of any resource: Ray counts in steps of this, and rounds what is less to nothing."""

OWN_FIELDS = {"cpu": "cpus_per_trial", "gpu": "gpus_per_trial"}
"""Ray's resources that have a key of their own in a spec."""


def _one_rule(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Not a problem for each side of the union."""
    try:
        return validate(value)
    except ValidationError:
        raise ValueError("must be auto, or a number of at least 0") from None


GpuShare = Annotated[
    Annotated[FiniteFloat, Field(ge=0)] | Literal["auto"], WrapValidator(_one_rule)
]
"""GPUs that a trial takes: a number, or the share that is found by measurement."""


@dataclass(frozen=True)
class Resources:
    """What one trial takes.

    Attributes:
        cpus: CPUs.
        gpus: GPUs; a share below 1, or a whole number.
        custom: Of Ray's custom resources.
    """

    cpus: float
    gpus: float
    custom: Mapping[str, float]

    @property
    def bundle(self) -> dict[str, float]:
        """By Ray's names, without what is not taken."""
        taken = {"CPU": self.cpus, "GPU": self.gpus, **self.custom}
        return {name: amount for name, amount in taken.items() if amount}

    def fit(self, node: Mapping[str, float]) -> int:
        """How many trials a node with these resources holds."""
        return min(
            _shares(name, node.get(name, 0.0), amount) for name, amount in self.bundle.items()
        )


def _shares(name: str, there: float, amount: float) -> int:
    """A fraction of a GPU is of one GPU: two times 0.6 do not fit on one GPU."""
    if name == "GPU" and amount < 1:
        return int(there) * _shares("", 1.0, amount)
    # 1 / 0.1 may be a little below 10 in floating point
    return int(there / amount + 1e-9)
