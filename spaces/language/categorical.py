"""Domains without a scale: `Choice`, one of several values, and `Fixed`, which is not searched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeGuard

from pydantic import TypeAdapter, ValidationError

from tuneyard.spaces.language.domains import Domain, Range, Restriction, Value, to_text
from tuneyard.spaces.language.errors import SpaceError, one_line, shown


@dataclass(frozen=True)
class Choice(Domain):
    """One of several values: a Literal, Enum, bool, union branch, or a number set by a user."""

    choices: tuple[Value, ...]

    @property
    def problem(self) -> str | None:
        """The rule that the choices violate, or None; it is checked when the class is created."""
        if len({to_text(choice).lower() for choice in self.choices}) < len(self.choices):
            return f"two choices are the same as text, got {self.choices!r}"
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
        raise SpaceError(f"must be {self._rule()}, got {shown(value)}")

    def _rule(self) -> str:
        return ("one of " if len(self.choices) > 1 else "") + self.describe()

    def nearest(self, value: Value) -> Value:
        """The value itself if it is a choice, else the nearest number, else the first choice."""
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
        # compared as text, since True == 1
        chosen = {to_text(self.read(value)) for value in restriction}
        if not chosen:
            raise SpaceError(f"needs at least {self._rule()}, got none")
        return Choice(tuple(choice for choice in self.choices if to_text(choice) in chosen))

    def _between(self, wanted: Range) -> tuple[Value, ...]:
        """The choices within a range, whose ends must be choices too."""
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
        """See `Domain.grid`; a grid has all choices."""
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
    """The domain of a field that is not searched; a user may set another value of its type."""

    adapter: TypeAdapter[object] = field(compare=False)
    value: object

    def read(self, value: object) -> Value:
        """The value as a JSON scalar, or as JSON text for containers, so that it is a parameter."""
        return self.plain(self.parse(value))

    def plain(self, value: object) -> Value:
        """Converts a value of the field's type to one parameter: a JSON scalar, or JSON text."""
        dumped = self.adapter.dump_python(value, mode="json")
        # a str that would be parsed as another type, e.g. "none" or "5", is put into JSON quotes
        exact = isinstance(dumped, Value) and not (
            isinstance(dumped, str) and self.parse(dumped) != value
        )
        return dumped if exact else json.dumps(dumped)

    def parse(self, value: object) -> object:
        """Converts a value, its text or its JSON to a value of the field's type.

        Raises:
            SpaceError: The value does not have the field's type.
        """
        if isinstance(value, str):
            # the parsed text takes precedence over the text: "5" is 5 even if the type allows a str
            # JSON may nest deeper than Python reads
            with suppress(ValueError, RecursionError):
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
        """See `Domain.narrowed`; the result is fixed at the given value."""
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
