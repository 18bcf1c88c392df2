"""`SamplerOptions`: what a search asks of every kind of sampler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, TypeVar

from tuneyard.search.spec.kinds import KindOptions
from tuneyard.spaces import SearchSpace, Space

if TYPE_CHECKING:
    import optuna

ConfigT = TypeVar("ConfigT", bound=SearchSpace)


class SamplerOptions(KindOptions, ABC):
    """Options of a sampler; a subclass imports Optuna only where it builds one.

    Attributes:
        learns_from_pruned: Whether it ranks pruned trials, below those that were completed.
    """

    learns_from_pruned: ClassVar[bool] = False

    @property
    def most_trials(self) -> int | None:
        """How many trials it looks at, the newest and the best; None means all."""
        return None

    @abstractmethod
    def build(self, seed: int) -> optuna.samplers.BaseSampler:
        """Optuna's sampler.

        Args:
            seed: Of all that it draws.
        """

    def grid(self, space: Space[ConfigT]) -> Iterator[ConfigT] | None:
        """All configs to propose, in order, for a sampler that enumerates; None for the others.

        Args:
            space: The narrowed space.
        """
        return None
