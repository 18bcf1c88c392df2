"""What every domain can do, a user's restriction of one, and values as text."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuneyard.spaces.language.errors import SpaceError

Value = bool | int | float | str | None


def to_text(value: object) -> str:
    """A value as MLflow, YAML and the command line write it; `Domain.read` gives it back."""
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

    ``log=None`` leaves the scale as the space has it.
    """

    low: float
    high: float
    log: bool | None = None

    @classmethod
    def parse(cls, text: str) -> Range:
        """Reads ``1e-4:1e-1``, ``1e-4:1e-1:log`` or ``1:8:linear``.

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
                f"a range must read low:high, low:high:log or low:high:linear, got {text!r}"
            ) from None


Restriction = Value | Sequence[Value] | Range


class Domain(ABC):
    """What values a dimension may take."""

    @abstractmethod
    def read(self, value: object) -> Value:
        """The member that a value or its text stands for.

        Raises:
            SpaceError: It is not in the domain; the message is the rule and the value.
        """

    @abstractmethod
    def nearest(self, value: Value) -> Value:
        """The member nearest to a value of the right type."""

    @abstractmethod
    def narrowed(self, restriction: Restriction) -> Domain:
        """The part of the domain that a user's restriction leaves.

        Raises:
            SpaceError: The restriction reaches outside, or does not fit this kind of domain.
        """

    @abstractmethod
    def describe(self) -> str:
        """The domain for a table, e.g. ``[1e-05, 0.1] log``."""

    @abstractmethod
    def grid(self, points: int) -> Iterator[Value]:
        """At most `points` members spread evenly (all of them where they are choices)."""

    @property
    @abstractmethod
    def size(self) -> float:
        """How many members there are; ``inf`` for a continuous domain."""

    def contains(self, value: object) -> bool:
        """Whether the value, or its text, stands for a member."""
        try:
            self.read(value)
        except SpaceError:
            return False
        return True
