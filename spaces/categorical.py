"""Domains without a scale: `Choice`, one of some values, and `Fixed`, a field not searched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from tuneyard.spaces.domains import Domain, Range, Restriction, Value, to_text
from tuneyard.spaces.errors import SpaceError, one_line


@dataclass(frozen=True)
class Choice(Domain):
    """One of some values: Literal, Enum, bool, the branch of a union, a number set by a user."""

    choices: tuple[Value, ...]

    def read(self, value: object) -> Value:
        """See `Domain.read`."""
        text = to_text(value).lower()
        for choice in self.choices:
            same = to_text(choice).lower() == text
            if same or (_is_number(choice) and _same_number(choice, value)):
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
            return min(numbers, key=lambda number: abs(float(number) - float(value)))  # type: ignore[arg-type]
        return self.choices[0]

    def narrowed(self, restriction: Restriction) -> Choice:
        """See `Domain.narrowed`."""
        if isinstance(restriction, Range):
            raise SpaceError(f"is {self._rule()}, not a range; use --set with one or more of them")
        if isinstance(restriction, str | int | float | None):
            restriction = (restriction,)
        chosen = {self.read(value) for value in restriction}
        if not chosen:
            raise SpaceError(f"needs at least {self._rule()}, got none")
        return Choice(tuple(choice for choice in self.choices if choice in chosen))

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


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same_number(choice: Value, value: object) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return float(choice) == float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


@dataclass(frozen=True)
class Fixed(Domain):
    """A plain field: not searched; a user may set it to another value of its type."""

    adapter: TypeAdapter[object]
    value: object

    def read(self, value: object) -> Value:
        """The value as JSON types (containers as JSON text), so that it is a parameter too."""
        return self.plain(self.parse(value))

    def plain(self, value: object) -> Value:
        """A value of the field's type as one parameter: JSON scalar, or JSON text."""
        dumped = self.adapter.dump_python(value, mode="json")
        return dumped if isinstance(dumped, Value) else json.dumps(dumped)

    def parse(self, value: object) -> object:
        """The field's own value, from itself, its text or its JSON.

        Raises:
            SpaceError: The value does not have the field's type.
        """
        candidates = [value]
        if isinstance(value, str):
            candidates += [None] if value.lower() == "none" else []
            try:
                candidates.append(json.loads(value))
            except json.JSONDecodeError:
                pass
        problem = ""
        for candidate in candidates:
            try:
                return self.adapter.validate_python(candidate)
            except ValidationError as error:
                problem = problem or one_line(error).partition(" ")[2]
        raise SpaceError(problem)

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
