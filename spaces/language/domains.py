"""`Domain`, the base of all domains; restrictions by users; and values as text."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuneyard.spaces.language.errors import SpaceError, shown

Value = bool | int | float | str | None


def to_text(value: object) -> str:
    """A value as text for MLflow, YAML and the command line; `Domain.read` is the inverse."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | str):
        return str(value)
    return json.dumps(value, default=str)


@dataclass(frozen=True)
class Range:
    """A narrower numeric domain as a user writes it, ``low:high`` or ``low:high:log``.

    ``log=None`` keeps the scale of the space.
    """

    low: float
    high: float
    log: bool | None = None

    @classmethod
    def parse(cls, text: str) -> Range:
        """Parses ``1e-4:1e-1``, ``1e-4:1e-1:log`` or ``1:8:linear``.

        Raises:
            SpaceError: The text has another form.
        """
        low, high, scale = (*text.split(":"), "", "")[:3]
        try:
            if text.count(":") not in (1, 2) or (text.count(":") == 2 and not scale):
                raise ValueError
            return cls(float(low), float(high), {"": None, "log": True, "linear": False}[scale])
        except (ValueError, KeyError):
            raise SpaceError(
                f"a range must read low:high, low:high:log or low:high:linear, got {shown(text)}"
            ) from None


Restriction = Value | Sequence[Value] | Range


class Domain(ABC):
    """The set of values that a dimension may take; its elements are called members."""

    @abstractmethod
    def read(self, value: object) -> Value:
        """Converts a value, or its text, to a member of the domain.

        Raises:
            SpaceError: It is not in the domain; the message has the rule and the value.
        """

    @abstractmethod
    def nearest(self, value: Value) -> Value:
        """The member nearest to a value of the right type."""

    @abstractmethod
    def narrowed(self, restriction: Restriction) -> Domain:
        """The domain with a user's restriction applied, always a subset of this one.

        Raises:
            SpaceError: The restriction has values outside this domain, or does not fit its kind.
        """

    @abstractmethod
    def describe(self) -> str:
        """The domain as text for tables and messages, e.g. ``[1e-05, 0.1] log``."""

    @abstractmethod
    def grid(self, points: int) -> Iterator[Value]:
        """Yields at most `points` evenly spaced members; a `Choice` yields all of its values."""

    @property
    @abstractmethod
    def size(self) -> float:
        """The number of members; ``inf`` for a continuous domain."""

    def contains(self, value: object) -> bool:
        """Whether `read` converts the value, or its text, to a member."""
        try:
            self.read(value)
        except SpaceError:
            return False
        return True
