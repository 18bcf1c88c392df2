"""Domains without a scale: `Choice`, one of some values, and `Fixed`, a field not searched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeGuard

from pydantic import TypeAdapter, ValidationError

from tuneyard.spaces.language.domains import Domain, Range, Restriction, Value, to_text
from tuneyard.spaces.language.errors import SpaceError, one_line


@dataclass(frozen=True)
class Choice(Domain):
    """One of some values: Literal, Enum, bool, the branch of a union, a number set by a user."""

    choices: tuple[Value, ...]

    @property
    def problem(self) -> str | None:
        """The rule that the choices break, or None. Asked when the space's class is made."""
        if len({to_text(choice).lower() for choice in self.choices}) < len(self.choices):
            return f"two choices read alike as text, got {self.choices!r}"
        numbers = [choice for choice in self.choices if _is_number(choice)]
        if len(set(numbers)) < len(numbers):
            return f"two choices are the same number, got {self.choices!r}"
        return None

    def read(self, value: object) -> Value:
        """See `Domain.read`."""
        if isinstance(value, Enum):
            value = value.value
        text = to_text(value).lower()
        for choice in self.choices:
            if to_text(choice).lower() == text:
                return choice
        for choice in self.choices:
            if _is_number(choice) and _same_number(choice, value):
                return choice
        raise SpaceError(f"must be {self._rule()}, got {value!r}")

    def _rule(self) -> str:
        return ("one of " if len(self.choices) > 1 else "") + self.describe()

    def nearest(self, value: Value) -> Value:
        """The value itself where it is a choice, the nearest number, else the first choice."""
        if self.contains(value):
            return self.read(value)
        numbers = [choice for choice in self.choices if _is_number(choice)]
        if _is_number(value) and len(numbers) == len(self.choices):
            return min(numbers, key=lambda number: abs(number - value))
        return self.choices[0]

    def narrowed(self, restriction: Restriction) -> Choice:
        """See `Domain.narrowed`."""
        if isinstance(restriction, Range):
            restriction = self._between(restriction)
        elif isinstance(restriction, str | int | float | Enum | None):
            restriction = (restriction,)
        # by their text, since True == 1
        chosen = {to_text(self.read(value)) for value in restriction}
        if not chosen:
            raise SpaceError(f"needs at least {self._rule()}, got none")
        return Choice(tuple(choice for choice in self.choices if to_text(choice) in chosen))

    def _between(self, wanted: Range) -> tuple[Value, ...]:
        """The choices of a range whose ends are choices too."""
        numbers = [choice for choice in self.choices if _is_number(choice)]
        if len(numbers) < len(self.choices):
            raise SpaceError(f"is {self._rule()}, not a range; use --set with one or more of them")
        self.read(wanted.low)
        self.read(wanted.high)
        return tuple(number for number in numbers if wanted.low <= number <= wanted.high)

    def describe(self) -> str:
        """See `Domain.describe`."""
        return ", ".join(to_text(choice) for choice in self.choices)

    def grid(self, points: int) -> Iterator[Value]:
        """See `Domain.grid`: choices are all taken."""
        yield from self.choices

    @property
    def size(self) -> float:
        """See `Domain.size`."""
        return len(self.choices)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same_number(choice: float, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    with suppress(ValueError, OverflowError):
        return choice == float(value)
    return False


@dataclass(frozen=True)
class Fixed(Domain):
    """A plain field: not searched; a user may set it to another value of its type."""

    adapter: TypeAdapter[object] = field(compare=False)
    value: object

    def read(self, value: object) -> Value:
        """The value as JSON types (containers as JSON text), so that it is a parameter too."""
        return self.plain(self.parse(value))

    def plain(self, value: object) -> Value:
        """A value of the field's type as one parameter: JSON scalar, or JSON text."""
        dumped = self.adapter.dump_python(value, mode="json")
        # a str that reads as something else, "none" or "5" beside None or int, goes in JSON quotes
        exact = isinstance(dumped, Value) and not (
            isinstance(dumped, str) and self.parse(dumped) != value
        )
        return dumped if exact else json.dumps(dumped)

    def parse(self, value: object) -> object:
        """The field's own value, from itself, its text or its JSON.

        Raises:
            SpaceError: The value does not have the field's type.
        """
        if isinstance(value, str):
            # what the text says comes before the text itself: 5 for "5" where a str would do too
            with suppress(ValueError):
                return self.adapter.validate_python(
                    None if value.lower() == "none" else json.loads(value)
                )
        try:
            return self.adapter.validate_python(value)
        except ValidationError as error:
            raise SpaceError(one_line(error, "")) from None

    def nearest(self, value: Value) -> Value:
        """See `Domain.nearest`."""
        return self.plain(self.value)

    def narrowed(self, restriction: Restriction) -> Fixed:
        """See `Domain.narrowed`: the one value that it is set to."""
        if isinstance(restriction, Range):
            raise SpaceError(
                f"is fixed at {to_text(self.plain(self.value))} and not searched; use --set"
            )
        return replace(self, value=self.parse(restriction))

    def describe(self) -> str:
        """See `Domain.describe`."""
        return to_text(self.plain(self.value))

    def grid(self, points: int) -> Iterator[Value]:
        """See `Domain.grid`."""
        yield self.plain(self.value)

    @property
    def size(self) -> float:
        """See `Domain.size`."""
        return 1
