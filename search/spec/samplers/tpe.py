"""TPE, the default sampler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tuneyard.search.spec.samplers.base import SamplerOptions

if TYPE_CHECKING:
    import optuna

MOST_TRIALS = 250
"""Enough for the 25 trials that TPE counts as good; the time of a proposal grows with them."""


class TPE(SamplerOptions):
    """Tree-structured Parzen estimator (Bergstra et al., 2011), multivariate, branch by branch.

    Attributes:
        startup_trials: Random trials before the first estimate.
    """

    summary: ClassVar[str] = "tree-structured Parzen estimator"
    learns_from_pruned: ClassVar[bool] = True

    kind: Literal["tpe"] = "tpe"
    startup_trials: Annotated[int, Field(ge=1)] = 10

    @property
    def most_trials(self) -> int:
        """See `SamplerOptions.most_trials`; as many as it starts with must be among them."""
        return max(MOST_TRIALS, self.startup_trials)

    def build(self, seed: int) -> optuna.samplers.BaseSampler:
        """See `SamplerOptions.build`."""
        import optuna

        return optuna.samplers.TPESampler(
            n_startup_trials=self.startup_trials,
            multivariate=True,
            group=True,
            # trials run side by side: those not told yet count as bad
            constant_liar=True,
            seed=seed,
        )
