"""Independent random draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from tuneyard.search.spec.samplers.base import SamplerOptions

if TYPE_CHECKING:
    import optuna


class Random(SamplerOptions):
    """Each dimension on its own, uniformly over its domain."""

    summary: ClassVar[str] = "independent draws"

    kind: Literal["random"] = "random"

    def build(self, seed: int) -> optuna.samplers.BaseSampler:
        """See `SamplerOptions.build`."""
        import optuna

        return optuna.samplers.RandomSampler(seed=seed)
