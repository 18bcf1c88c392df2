"""TPE, the default sampler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tuneyard.search.spec.samplers.base import SamplerOptions

if TYPE_CHECKING:
    import optuna


class TPE(SamplerOptions):
    """Tree-structured Parzen estimator (Bergstra et al., 2011), multivariate, branch by branch.

    Attributes:
        startup_trials: Random trials before the first estimate.
    """

    summary: ClassVar[str] = "tree-structured Parzen estimator"
    learns_from_pruned: ClassVar[bool] = True
    most_trials: ClassVar[int | None] = 250

    kind: Literal["tpe"] = "tpe"
    startup_trials: Annotated[int, Field(ge=1)] = 10

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
