"""The numeric domains `Float` and `Int`, and `Length`, which marks a tuple as searched."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from tuneyard.spaces.language.categorical import Choice
from tuneyard.spaces.language.domains import Domain, Range, Restriction, Value
from tuneyard.spaces.language.errors import SpaceError, clipped, shown

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue

NumberT = TypeVar("NumberT", int, float)

_MAX_STEPS = 2**53
"""Beyond, a float does not tell one whole number from the next."""

_SLACK = 1e-6
"""The rounding error that is allowed for a multiple of the step, in steps."""


@dataclass(frozen=True)
class _Number(Domain, Generic[NumberT]):
    """The base of Float and Int; as annotation metadata, it also bounds the Pydantic field."""

    low: NumberT
    high: NumberT
    log: bool = False
    step: NumberT | None = None
    _kind: ClassVar[str]

    @property
    def problem(self) -> str | None:
        """The rule that the bounds violate, or None; it is checked when the class is created."""
        name = type(self).__name__
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            return f"{name} bounds must be finite, got low={self.low}, high={self.high}"
        if not math.isfinite(self.high - self.low):
            return f"{name} high - low must be finite, got low={self.low}, high={self.high}"
        if self.low >= self.high:
            return f"{name} low must be below high, got low={self.low}, high={self.high}"
        if self.log and self.low <= 0:
            return f"{name} with log=True needs low above 0, got low={self.low}"
        if self.step is not None and self.step > 0:
            steps = (self.high - self.low) / self.step
            if steps > _MAX_STEPS:
                return f"{name} takes at most {_MAX_STEPS} steps, got {steps:g}: step={self.step}"
        if self.step is not None and (self.step <= 0 or self.size < 2):
            return f"{name} step must be in (0, high - low], got step={self.step}"
        if self.step is not None and self.log:
            return f"{name} takes either log=True or a step, got log=True, step={self.step}"
        return None

    @abstractmethod
    def _number(self, value: object) -> NumberT: ...

    @abstractmethod
    def _rounded(self, number: float) -> NumberT: ...

    def read(self, value: object) -> NumberT:
        """See `Domain.read`."""
        try:
            number = self._number(value)
        except (TypeError, ValueError, OverflowError):
            raise SpaceError(
                f"must be {self._kind} in {self.describe()}, got {shown(value)}"
            ) from None
        if not self.low <= number <= self.high or self._snapped(number) != number:
            got = clipped(value) if isinstance(value, str) else shown(value)
            raise SpaceError(f"must be in {self.describe()}, got {got}")
        return number

    def _snapped(self, number: NumberT) -> NumberT:
        """Rounds a number within the bounds to the nearest multiple of the step above low."""
        if self.step is None:
            return number
        steps = min(round((number - self.low) / self.step), int(self.size) - 1)
        snapped = min(self.low + steps * self.step, self.high)
        # 0.1 + 2 * 0.1 is not 0.3: a multiple of the step up to rounding is kept unchanged
        slack = _SLACK * min(self.step, 1)
        return number if math.isclose(snapped, number, rel_tol=4e-15, abs_tol=slack) else snapped

    def nearest(self, value: Value) -> NumberT:
        """See `Domain.nearest`."""
        return self._number(self._snapped(min(max(self._number(value), self.low), self.high)))

    def middle(self) -> NumberT:
        """The member in the middle of the scale, the value to take if there is no other default."""
        middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        return self.nearest(self._rounded(middle))

    def narrowed(self, restriction: Restriction) -> Domain:
        """See `Domain.narrowed`."""
        if not isinstance(restriction, Range):
            if isinstance(restriction, Sequence) and not isinstance(restriction, str):
                raise SpaceError(
                    "is a number, so it takes one value or a range low:high, "
                    f"got {shown(restriction)}"
                )
            return Choice((self.read(restriction),))
        low, high = self.read(restriction.low), self.read(restriction.high)
        if low == high:
            return Choice((low,))
        log = self.log if restriction.log is None else restriction.log
        narrower = replace(self, low=low, high=high, log=log)
        if narrower.problem:
            raise SpaceError(narrower.problem)
        return narrower

    def describe(self) -> str:
        """See `Domain.describe`."""
        scale = " log" if self.log else ""
        step = f" step {self.step}" if self.step not in (None, 1) else ""
        return f"[{self.low}, {self.high}]{scale}{step}"

    def grid(self, points: int) -> Iterator[NumberT]:
        """See `Domain.grid`."""
        count = int(min(points, self.size))
        if count < 2:
            yield self.middle()
            return
        low, high = self.low, self._snapped(self.high)
        log = self.log and count < self.size
        seen: set[NumberT] = set()
        for index in range(count):
            fraction = index / (count - 1)
            # both forms are exact at the ends
            if log:
                raw = low ** (1 - fraction) * high**fraction
            else:
                raw = low * (1 - fraction) + high * fraction
            member = self.nearest(self._rounded(raw))
            if member not in seen:
                seen.add(member)
                yield member

    def __get_pydantic_core_schema__(
        self, source: type, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Bounds the annotated field."""

        def check(value: object) -> NumberT:
            try:
                return self.read(value)
            except SpaceError as error:
                rule = str(error).rpartition(", got ")[0]
                raise PydanticCustomError("domain", rule) from None

        inner = handler(source)
        # a domain with invalid bounds checks nothing, since its class is rejected anyway
        if self.problem:
            return inner
        return core_schema.no_info_after_validator_function(check, inner)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The bounds in terms of JSON Schema, with the scale as an extra key."""
        json_schema = handler(schema) | {"minimum": self.low, "maximum": self.high}
        return json_schema | ({"log": True} if self.log else {})


@dataclass(frozen=True)
class Float(_Number[float]):
    """Real numbers in [low, high], both ends included.

    Args:
        low: The lowest value.
        high: The highest value.
        log: Whether to search on a logarithmic scale; low must then be above 0.
        step: The distance between values, counted from low; None for a continuous domain.
    """

    _kind = "a number"

    def _number(self, value: object) -> float:
        if isinstance(value, bool):
            raise TypeError
        return float(value)  # type: ignore[arg-type]

    def _rounded(self, number: float) -> float:
        return number

    @property
    def size(self) -> float:
        """See `Domain.size`."""
        if self.step is None:
            return math.inf
        return math.floor((self.high - self.low) / self.step + _SLACK) + 1


@dataclass(frozen=True)
class Int(_Number[int]):
    """Whole numbers in [low, high], both ends included.

    Args:
        low: The lowest value.
        high: The highest value.
        log: Whether to search on a logarithmic scale; low must then be above 0.
        step: The distance between values, counted from low; None means 1.
    """

    _kind = "a whole number"

    def _number(self, value: object) -> int:
        if isinstance(value, bool):
            raise TypeError
        if isinstance(value, int):
            return value
        if isinstance(value, str) and value.strip().lstrip("+-").isdecimal():
            return int(value)
        number = float(value)  # type: ignore[arg-type]
        if number != int(number):
            raise ValueError
        return int(number)

    def _rounded(self, number: float) -> int:
        return round(number)

    @property
    def problem(self) -> str | None:
        """See `Float.problem`."""
        for name, number in (("low", self.low), ("high", self.high), ("step", self.step or 1)):
            if math.isfinite(number) and number != int(number):
                return f"Int takes whole numbers, got {name}={number}"
        return super().problem

    @property
    def size(self) -> float:
        """See `Domain.size`."""
        return (self.high - self.low) // (self.step or 1) + 1


@dataclass(frozen=True)
class Length:
    """Marks ``tuple[X, ...]`` as searched, with at least low and at most high items."""

    low: int
    high: int

    @property
    def problem(self) -> str | None:
        """The rule that the bounds violate, or None; it is checked when the class is created."""
        if 0 <= self.low <= self.high and self.high >= 1:
            return None
        return f"Length needs 0 <= low <= high and high >= 1, got low={self.low}, high={self.high}"

    def __get_pydantic_core_schema__(
        self, source: type, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Bounds the annotated tuple."""

        def check(value: object) -> object:
            if not isinstance(value, tuple) or not self.low <= len(value) <= self.high:
                rule = f"must have {self.low} to {self.high} items"
                raise PydanticCustomError("domain", rule)
            return value

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The bounds in terms of JSON Schema."""
        return handler(schema) | {"minItems": self.low, "maxItems": self.high}
