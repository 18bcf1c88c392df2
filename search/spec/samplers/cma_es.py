"""CMA-ES, an evolution strategy for spaces of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from tuneyard.search.spec.samplers.base import SamplerOptions

if TYPE_CHECKING:
    import optuna


class CmaEs(SamplerOptions):
    """Covariance matrix adaptation (Hansen, 2016) of the numbers that every config has."""

    summary: ClassVar[str] = "covariance matrix adaptation"

    kind: Literal["cma_es"] = "cma_es"

    def build(self, seed: int) -> optuna.samplers.BaseSampler:
        """See `SamplerOptions.build`."""
        import optuna

        return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
