"""A space's class as a flat list: one `Dimension` a leaf, parents before children."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from tuneyard.spaces.categorical import Choice, Fixed
from tuneyard.spaces.domains import Domain, Value, to_text
from tuneyard.spaces.errors import SpaceError
from tuneyard.spaces.numeric import Float, Int, Length

Keys = tuple[str | int, ...]


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
    role: Literal["value", "presence", "length"] = "value"

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


def compile_dimensions(cls: type[BaseModel]) -> tuple[Dimension, ...]:
    """All leaves of a space's class, parents before children; the defaults are the baseline.

    Raises:
        SpaceError: A field breaks a rule of the space language; the message names class, field,
            rule and value.
    """
    leaves = tuple(_fields(cls, None, "", (), (), skip=""))
    seen: set[str] = set()
    for leaf in leaves:
        if leaf.path in seen:
            raise SpaceError(f"{cls.__name__}: two fields share the path {leaf.path}; rename one")
        seen.add(leaf.path)
    return leaves


@dataclass(frozen=True)
class _Place:
    """Where the walk over a class is: for paths, conditions and error messages."""

    owner: str
    field: str
    path: str
    keys: Keys
    conditions: tuple[Condition, ...]

    def under(self, name: str, key: str | int | None, *conditions: Condition) -> _Place:
        keys = self.keys if key is None else (*self.keys, key)
        path = f"{self.path}.{name}" if name else self.path
        return _Place(self.owner, self.field, path, keys, (*self.conditions, *conditions))

    def error(self, rule: str) -> SpaceError:
        return SpaceError(f"{self.owner}.{self.field}: {rule}")

    def read(self, domain: Domain, default: object) -> Value:
        try:
            return domain.read(default)
        except SpaceError as error:
            raise self.error(f"the default {error}") from None

    def leaf(
        self,
        domain: Domain,
        baseline: Value,
        role: Literal["value", "presence", "length"] = "value",
    ) -> Dimension:
        return Dimension(self.path, domain, baseline, self.conditions, self.keys, role)


def _fields(
    cls: type[BaseModel],
    default: BaseModel | None,
    path: str,
    keys: Keys,
    conditions: tuple[Condition, ...],
    skip: str,
) -> Iterator[Dimension]:
    """The leaves of a model's fields but for its discriminator `skip`.

    Baselines come from `default`, or from the fields' own defaults where it is None.
    """
    for name, field in cls.model_fields.items():
        if name == skip:
            continue
        where = f"{path}.{name}" if path else name
        place = _Place(cls.__name__, name, where, (*keys, name), conditions)
        if field.is_required():
            raise place.error("has no default; the default is the baseline, so give one")
        own = field.get_default(call_default_factory=True)  # type: ignore[call-overload]
        value = own if default is None else getattr(default, name)
        yield from _annotation(_whole(field), value, place)


def _whole(field: FieldInfo) -> object:
    """A field's annotation with its metadata put back: `FieldInfo` keeps the two apart."""
    metadata = list(field.metadata)
    if field.discriminator is not None:
        metadata.append(field)
    return Annotated[(field.annotation, *metadata)] if metadata else field.annotation


def _annotation(annotation: object, default: object, place: _Place) -> Iterator[Dimension]:
    """The leaves of one annotation: a branch, a group, a tuple, or a single leaf."""
    kind, metadata = _split(annotation)
    members = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else ()
    if type(None) in members:
        yield from _optional(annotation, kind, metadata, default, place)
    elif members and any(_is_model(_split(member)[0]) for member in members):
        yield from _union(members, metadata, default, place)
    elif any(isinstance(item, Length) for item in metadata):
        yield from _tuple(kind, metadata, default, place)
    elif _is_model(kind):
        model = cast("type[BaseModel]", kind)
        value = default if isinstance(default, model) else None
        yield from _fields(model, value, place.path, place.keys, place.conditions, skip="")
    else:
        yield _leaf(annotation, kind, metadata, default, place)


def _split(annotation: object) -> tuple[object, tuple[object, ...]]:
    """A type and its ``Annotated`` metadata."""
    if get_origin(annotation) is Annotated:
        kind, *metadata = get_args(annotation)
        return kind, tuple(metadata)
    return annotation, ()


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _leaf(
    annotation: object, kind: object, metadata: tuple[object, ...], default: object, place: _Place
) -> Dimension:
    for item in metadata:
        if isinstance(item, Float | Int):
            wanted = float if isinstance(item, Float) else int
            if kind is not wanted:
                raise place.error(
                    f"{type(item).__name__} searches a field of type {wanted.__name__}, "
                    f"got {getattr(kind, '__name__', kind)}"
                )
            if item.problem:
                raise place.error(item.problem)
            return place.leaf(item, item.middle() if default is None else place.read(item, default))
    choices = _choices(kind, place)
    if len(choices) > 1:
        value = default.value if isinstance(default, Enum) else default
        domain = Choice(choices)
        # no default of its own: an item beyond the default's, or a branch that is off
        unset = value is None and None not in choices
        return place.leaf(domain, choices[0] if unset else place.read(domain, value))
    return _fixed(annotation, default, place)


def _fixed(annotation: object, default: object, place: _Place) -> Dimension:
    fixed = Fixed(TypeAdapter(annotation), default)
    return place.leaf(fixed, None if default is None else place.read(fixed, default))


def _choices(kind: object, place: _Place) -> tuple[Value, ...]:
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
    if len({to_text(choice).lower() for choice in choices}) < len(choices):
        raise place.error(f"two choices read alike as text, got {choices!r}")
    return choices


def _optional(
    annotation: object,
    kind: object,
    metadata: tuple[object, ...],
    default: object,
    place: _Place,
) -> Iterator[Dimension]:
    """``X | None``: a branch where X is searched, else a plain field."""
    rest = tuple(member for member in get_args(kind) if member is not type(None))
    inner = Annotated[(Union[rest], *metadata)] if metadata else Union[rest]  # noqa: UP007
    present = place.under("", None, Condition(f"{place.path}.on", (True,)))
    leaves = list(_annotation(inner, default, present))
    if not any(leaf.searched for leaf in leaves):
        yield _fixed(annotation, default, place)
        return
    switch = place.under("on", None)
    yield switch.leaf(Choice((False, True)), default is not None, role="presence")
    yield from leaves


def _union(
    members: tuple[object, ...], metadata: tuple[object, ...], default: object, place: _Place
) -> Iterator[Dimension]:
    """A discriminated union: the branch by its tag, then the fields of every branch."""
    tag = next((item.discriminator for item in metadata if isinstance(item, FieldInfo)), None)
    if not isinstance(tag, str):
        raise place.error(
            "a union of models is a branch and needs a discriminator: "
            'Annotated[A | B, Field(discriminator="kind")]'
        )
    models = [cast("type[BaseModel]", _split(member)[0]) for member in members]
    if not all(_is_model(model) for model in models):
        raise place.error(f"every branch of a union must be a model, got {members!r}")
    names = [str(model.model_fields[tag].default) for model in models]
    chosen = next(
        (name for name, model in zip(names, models, strict=True) if type(default) is model),
        names[0],
    )
    path = f"{place.path}.{tag}"
    yield place.under(tag, tag).leaf(Choice(tuple(names)), chosen)
    for name, model in zip(names, models, strict=True):
        value = default if name == chosen and isinstance(default, model) else None
        branch = place.under(name, None, Condition(path, (name,)))
        yield from _fields(model, value, branch.path, branch.keys, branch.conditions, skip=tag)


def _tuple(
    kind: object, metadata: tuple[object, ...], default: object, place: _Place
) -> Iterator[Dimension]:
    """``tuple[X, ...]`` with a Length: the length, then as many items as it may have."""
    length = next(item for item in metadata if isinstance(item, Length))
    arguments = get_args(kind)
    if get_origin(kind) is not tuple or len(arguments) != 2 or arguments[1] is not Ellipsis:
        raise place.error(f"Length searches a tuple[X, ...], got {kind}")
    if length.problem:
        raise place.error(length.problem)
    items = cast("tuple[object, ...]", default or ())
    path = f"{place.path}.length"
    counts: Domain = (
        Int(length.low, length.high) if length.low < length.high else Choice((length.low,))
    )
    yield place.under("length", None).leaf(counts, counts.nearest(len(items)), role="length")
    for index in range(length.high):
        longer = Condition(path, tuple(range(index + 1, length.high + 1)))
        item = items[min(index, len(items) - 1)] if items else None
        leaves = list(_annotation(arguments[0], item, place.under(str(index), index, longer)))
        if not any(leaf.searched for leaf in leaves):
            raise place.error(f"the items of a searched tuple must be searched, got {kind}")
        yield from leaves


