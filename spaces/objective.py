"""`Objective`: a metric by its name, with the direction that is better."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Objective:
    """The metric that ranks trials, e.g. ``val_rmse``, with its direction.

    Attributes:
        metric: Its name, ``<split>_<metric>``.
        mode: Whether a smaller or a larger value is better.
    """

    metric: str
    mode: Literal["min", "max"]

    def better(self, value: float, than: float | None) -> bool:
        """Whether `value` beats `than`; anything beats None."""
        if than is None:
            return True
        return value < than if self.mode == "min" else value > than

    def reached(self, value: float, target: float) -> bool:
        """Whether `value` is at least as good as `target`."""
        return value == target or self.better(value, target)

    def cost(self, value: float) -> float:
        """A value by which trials are sorted, the best first: smaller is better either way."""
        return value if self.mode == "min" else -value
