"""`Dimension`: one leaf of a space, with its path, its domain and its conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tuneyard.spaces.language.domains import Domain, Value

Keys = tuple[str | int, ...]
Role = Literal["value", "presence", "length"]


@dataclass(frozen=True)
class Condition:
    """A dimension exists only if the dimension at `path` has one of `values`."""

    path: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Dimension:
    """One leaf of a space.

    Attributes:
        path: The dotted path, e.g. ``optimizer.adam.lr``.
        domain: The values that it may take.
        baseline: Its value in the default config, or the default of its own branch if the default
            config takes another branch.
        conditions: The conditions under which it exists; all of them must hold.
        keys: The keys and indices that lead to its field in the nested config.
        role: The meaning of its value: the value of the field itself, whether the field is present
            rather than None (``X | None``), or the number of items.
    """

    path: str
    domain: Domain
    baseline: Value
    conditions: tuple[Condition, ...]
    keys: Keys
    role: Role = "value"

    @property
    def searched(self) -> bool:
        """Whether the domain has more than one value."""
        return self.domain.size > 1

    def active(self, params: Mapping[str, Value]) -> bool:
        """Whether the dimension exists, given the parameters chosen so far."""
        return all(
            condition.path in params and params[condition.path] in condition.values
            for condition in self.conditions
        )
