"""A `Dimension` is one leaf of a space: its path, its domain and when it exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tuneyard.spaces.language.domains import Domain, Value

Keys = tuple[str | int, ...]
Role = Literal["value", "presence", "length"]


@dataclass(frozen=True)
class Condition:
    """A dimension exists only where the dimension at `path` has one of `values`."""

    path: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Dimension:
    """One leaf of a space.

    Attributes:
        path: Dotted path, e.g. ``optimizer.adam.lr``.
        domain: The values it may take.
        baseline: Its value in the default config, or, on a branch that the default config does not
            take, the default of that branch.
        conditions: What must hold for it to exist; all of them.
        keys: Its place in the nested config.
        role: What its value says of that place: the value itself, whether there is one
            (``X | None``), or how many items it has.
    """

    path: str
    domain: Domain
    baseline: Value
    conditions: tuple[Condition, ...]
    keys: Keys
    role: Role = "value"

    @property
    def searched(self) -> bool:
        """Whether there is anything to choose."""
        return self.domain.size > 1

    def active(self, params: Mapping[str, Value]) -> bool:
        """Whether the dimension exists beside the parameters chosen so far."""
        return all(
            condition.path in params and params[condition.path] in condition.values
            for condition in self.conditions
        )
