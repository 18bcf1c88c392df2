"""Grid search: every combination, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tuneyard.search.spec.samplers.base import ConfigT, SamplerOptions
from tuneyard.spaces import Space

if TYPE_CHECKING:
    import optuna


class Grid(SamplerOptions):
    """Every combination, in order; the search ends with the last one.

    Attributes:
        points: Values of each numeric dimension, spread evenly over its scale.
    """

    summary: ClassVar[str] = "every combination, in order"

    kind: Literal["grid"] = "grid"
    points: Annotated[int, Field(ge=2, le=10_000)] = 3

    def build(self, seed: int) -> optuna.samplers.BaseSampler:
        """See `SamplerOptions.build`; every trial is enqueued, so nothing is left to this one."""
        import optuna

        return optuna.samplers.RandomSampler(seed=seed)

    def grid(self, space: Space[ConfigT]) -> Iterator[ConfigT]:
        """See `SamplerOptions.grid`."""
        return space.grid(self.points)
