"""Builds the leaves of a space from annotations, with the domain that each one declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, ForwardRef, Literal, cast, get_args, get_origin

from pydantic import BaseModel, PydanticSchemaGenerationError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from tuneyard.spaces.language.categorical import Choice, Fixed
from tuneyard.spaces.language.dimensions import Condition, Dimension, Keys, Role
from tuneyard.spaces.language.domains import Domain, Value
from tuneyard.spaces.language.errors import SpaceError, one_line
from tuneyard.spaces.language.numeric import Float, Int, Length

_REMEDY = "X, X | None and Annotated[tuple[X, ...], Length(1, 4)] are"


@dataclass(frozen=True)
class Place:
    """A position in a space's class: its path, keys and conditions, and its field for errors."""

    owner: str
    field: str
    path: str
    keys: Keys
    conditions: tuple[Condition, ...]

    def under(self, name: str, key: str | int | None, *conditions: Condition) -> Place:
        """The place of a child: its name in the path, and its key in the config unless None."""
        keys = self.keys if key is None else (*self.keys, key)
        path = f"{self.path}.{name}" if name else self.path
        return Place(self.owner, self.field, path, keys, (*self.conditions, *conditions))

    def error(self, rule: str) -> SpaceError:
        """The error for a field that violates a rule."""
        return SpaceError(f"{self.owner}.{self.field}: {rule}")

    def read(self, domain: Domain, default: object) -> Value:
        """Converts a default to a member of its domain."""
        try:
            return domain.read(default)
        except SpaceError as error:
            raise self.error(f"the default {error}") from None

    def leaf(self, domain: Domain, baseline: Value, role: Role = "value") -> Dimension:
        """The dimension at this place."""
        return Dimension(self.path, domain, baseline, self.conditions, self.keys, role)


def split(annotation: object) -> tuple[object, tuple[object, ...]]:
    """Splits an annotation into its type and its ``Annotated`` metadata, through type aliases."""
    annotation = getattr(annotation, "__value__", annotation)
    if get_origin(annotation) is Annotated:
        kind, *metadata = get_args(annotation)
        kind, inner = split(kind)
        return kind, (*inner, *metadata)
    return annotation, ()


def single_leaf(
    annotation: object, kind: object, metadata: tuple[object, ...], default: object, place: Place
) -> Dimension:
    """Builds the leaf of an annotation that is no branch, no group and no searched tuple.

    A `default` of None means that there is no default, e.g. for a branch that is off or an item
    beyond those of the default. The baseline is then the middle of the domain or the first choice.

    Raises:
        SpaceError: The annotation violates a rule of the space language.
    """
    numbers = [item for item in metadata if isinstance(item, Float | Int)]
    if numbers:
        number = _number(kind, numbers, place)
        baseline = number.middle() if default is None else place.read(number, default)
        return place.leaf(number, baseline)
    choices = _choices(kind, place)
    if len(choices) > 1:
        unset = default is None and None not in choices
        domain = Choice(choices)
        return place.leaf(domain, choices[0] if unset else place.read(domain, default))
    return plain_leaf(annotation, default, place)


def _number(kind: object, numbers: list[Float | Int], place: Place) -> Float | Int:
    number = numbers[0]
    if len(numbers) > 1:
        raise place.error(f"takes one domain, got {' and '.join(map(repr, numbers))}")
    wanted = float if isinstance(number, Float) else int
    if kind is not wanted:
        raise place.error(
            f"{type(number).__name__} searches a field of type {wanted.__name__}, "
            f"got {getattr(kind, '__name__', kind)}"
        )
    if number.problem:
        raise place.error(number.problem)
    return number


def _choices(kind: object, place: Place) -> tuple[Value, ...]:
    """The values of a Literal, an Enum or a bool; empty for any other type."""
    if kind is bool:
        return (False, True)
    if isinstance(kind, type) and issubclass(kind, Enum):
        values: tuple[object, ...] = tuple(member.value for member in kind)
    elif get_origin(kind) is Literal:
        values = tuple(arg.value if isinstance(arg, Enum) else arg for arg in get_args(kind))
    else:
        return ()
    for value in values:
        if not isinstance(value, Value):
            raise place.error(f"a choice must be str, int, float, bool or None, got {value!r}")
    choices = cast("tuple[Value, ...]", values)
    problem = Choice(choices).problem
    if problem:
        raise place.error(problem)
    return choices


def plain_leaf(annotation: object, default: object, place: Place) -> Dimension:
    """Builds the leaf of a field that is not searched.

    Raises:
        SpaceError: The type contains a domain, is not defined yet, or cannot be serialized.
    """
    for inner in _nested(annotation):
        if isinstance(inner, Float | Int | Length):
            raise place.error(f"{inner} is not searched inside {annotation!r}; {_REMEDY}")
        if isinstance(inner, str | ForwardRef):
            raise place.error(f"the type must be defined above the class, got {inner!r}")
    try:
        adapter: TypeAdapter[object] = TypeAdapter(cast("type[object]", annotation))
        value = default if default is None else adapter.validate_python(default)
        fixed = Fixed(adapter, value)
        return place.leaf(fixed, None if value is None else fixed.plain(value))
    except (PydanticSchemaGenerationError, PydanticSerializationError):
        raise place.error(_unreadable(annotation)) from None
    except ValidationError as error:
        raise place.error(f"the default {one_line(error, '')}") from None


def _nested(annotation: object) -> Iterator[object]:
    """Yields the type and the domains of an annotation, and those of all annotations inside it."""
    kind, metadata = split(annotation)
    yield kind
    yield from (item for item in metadata if isinstance(item, Float | Int | Length))
    if get_origin(kind) is not Literal:
        for argument in get_args(kind):
            yield from _nested(argument)


def unknown_type(cls: type[BaseModel], error: PydanticSchemaGenerationError) -> SpaceError:
    """The error for a class with a field whose type Pydantic does not support."""
    for name, field in cls.model_fields.items():
        try:
            TypeAdapter(cast("type[object]", field.annotation))
        except PydanticSchemaGenerationError:
            return Place(cls.__name__, name, name, (), ()).error(_unreadable(field.annotation))
    return SpaceError(f"{cls.__name__}: {str(error).splitlines()[0]}")


def _unreadable(annotation: object) -> str:
    return f"a plain field must have a type that Pydantic reads and writes, got {annotation!r}"
