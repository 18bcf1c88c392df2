"""Quasi-random draws, which cover a space more evenly than random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from tuneyard.search.spec.samplers.base import SamplerOptions

if TYPE_CHECKING:
    import optuna


class QuasiRandom(SamplerOptions):
    """A scrambled Sobol sequence; dimensions of branches are random."""

    summary: ClassVar[str] = "scrambled Sobol sequence"

    kind: Literal["quasi_random"] = "quasi_random"

    def build(self, seed: int) -> optuna.samplers.BaseSampler:
        """See `SamplerOptions.build`."""
        import optuna

        return optuna.samplers.QMCSampler(scramble=True, seed=seed, warn_independent_sampling=False)
