"""Bayesian optimization by a Gaussian process, for few trials that are expensive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tuneyard.search.spec.samplers.base import SamplerOptions

if TYPE_CHECKING:
    import optuna


class GP(SamplerOptions):
    """Gaussian process with expected improvement.

    Attributes:
        startup_trials: Random trials before the first fit.
    """

    summary: ClassVar[str] = "Gaussian process"

    kind: Literal["gp"] = "gp"
    startup_trials: Annotated[int, Field(ge=1)] = 10

    def build(self, seed: int) -> optuna.samplers.BaseSampler:
        """See `SamplerOptions.build`."""
        import optuna

        return optuna.samplers.GPSampler(
            n_startup_trials=self.startup_trials,
            seed=seed,
            independent_sampler=optuna.samplers.RandomSampler(seed=seed),
        )
