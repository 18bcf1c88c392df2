"""`Objective`: the name of a metric, and whether smaller or larger values are better."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Objective:
    """The metric that ranks trials, with its direction.

    Attributes:
        metric: The name of the metric as ``<split>_<metric>``, e.g. ``val_rmse``.
        mode: Whether smaller values (``min``) or larger ones (``max``) are better.
    """

    metric: str
    mode: Literal["min", "max"]

    def better(self, value: float, than: float | None) -> bool:
        """Whether `value` is better than `than`; any value is better than None."""
        if than is None:
            return True
        return value < than if self.mode == "min" else value > than

    def reached(self, value: float, target: float) -> bool:
        """Whether `value` is at least as good as `target`."""
        return value == target or self.better(value, target)

    def cost(self, value: float) -> float:
        """A sort key for values of the metric; smaller keys are better in both modes."""
        return value if self.mode == "min" else -value
