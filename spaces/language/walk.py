"""Compiles the class of a space to its dimensions by a walk over its annotations."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Union, cast, get_args, get_origin

from pydantic import BaseModel, PydanticUserError, ValidationError
from pydantic.fields import FieldInfo

from tuneyard.spaces.language.categorical import Choice
from tuneyard.spaces.language.dimensions import Condition, Dimension, Keys
from tuneyard.spaces.language.errors import SpaceError, one_line
from tuneyard.spaces.language.leaves import Place, plain_leaf, single_leaf, split
from tuneyard.spaces.language.numeric import Float, Int, Length

_MAX_DEPTH = 32
"""The maximum depth of nested groups, since a class that contains itself would never end."""


def compile_dimensions(cls: type[BaseModel]) -> tuple[Dimension, ...]:
    """All leaves of a space's class, parents before children; the defaults are the baseline.

    Raises:
        SpaceError: A field violates a rule of the space language; the message names the class, the
            field, the rule and the value.
    """
    leaves = tuple(_fields(cls, None, "", (), ()))
    seen: set[str] = set()
    for leaf in leaves:
        if leaf.path in seen:
            raise SpaceError(f"{cls.__name__}: two fields share the path {leaf.path}; rename one")
        seen.add(leaf.path)
    return leaves


def _fields(
    cls: type[BaseModel],
    default: object,
    path: str,
    keys: Keys,
    conditions: tuple[Condition, ...],
    tag: str | None = None,
) -> Iterator[Dimension]:
    """The leaves of the fields of a model, except for its discriminator `tag`.

    Baselines come from `default`, or from the model's own default if `default` has another type.
    """
    problem = ""
    if not isinstance(default, cls):
        default, problem = _default(cls)
    for name, field in cls.model_fields.items():
        where = f"{path}.{name}" if path else name
        place = Place(cls.__name__, name, where, (*keys, name), conditions)
        if field.is_required():
            raise place.error("has no default; the default is the baseline, so give one")
        if field.validation_alias is not None:
            raise place.error(f"goes by its own name, got the alias {field.validation_alias!r}")
        if len(keys) > _MAX_DEPTH:
            raise place.error(f"groups nest without end, got {where[:40]}...")
        if name != tag:
            yield from _annotation(_full_annotation(field), getattr(default, name, None), place)
    # raised last, because an error about a field says more than one about its default
    if problem:
        raise SpaceError(problem)


def _default(cls: type[BaseModel]) -> tuple[BaseModel | None, str]:
    """The default config of a class, or None and the reason why there is none."""
    try:
        return cls(), ""
    except ValidationError as error:
        return None, f"{cls.__name__}: the default of {one_line(error)}"
    except PydanticUserError as error:
        return None, str(error).splitlines()[0]


def _full_annotation(field: FieldInfo) -> object:
    """The full annotation of a field: `FieldInfo` stores its type and metadata separately."""
    metadata = list(field.metadata)
    if field.discriminator is not None:
        metadata.append(field)
    return Annotated[(field.annotation, *metadata)] if metadata else field.annotation


def _annotation(annotation: object, default: object, place: Place) -> Iterator[Dimension]:
    """The leaves of one annotation, which is a branch, a group, a tuple or a single leaf."""
    kind, metadata = split(annotation)
    members = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else ()
    if type(None) in members:
        yield from _optional(annotation, members, metadata, default, place)
    elif any(_is_model(split(member)[0]) for member in members):
        yield from _union(members, metadata, default, place)
    elif any(isinstance(item, Length) for item in metadata):
        yield from _tuple(kind, metadata, default, place)
    elif _is_model(kind):
        model = cast("type[BaseModel]", kind)
        yield from _fields(model, default, place.path, place.keys, place.conditions)
    else:
        yield single_leaf(annotation, kind, metadata, default, place)


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _optional(
    annotation: object,
    members: tuple[object, ...],
    metadata: tuple[object, ...],
    default: object,
    place: Place,
) -> Iterator[Dimension]:
    """The leaves of ``X | None``: a branch if X is searched, or else a plain field."""
    for item in metadata:
        if isinstance(item, Float | Int | Length):
            rule = f"write Annotated[X, {type(item).__name__}(...)] | None"
            raise place.error(f"None cannot be inside Annotated, {rule}, got {annotation!r}")
    rest = tuple(member for member in members if member is not type(None))
    inner = Annotated[(Union[rest], *metadata)] if metadata else Union[rest]  # noqa: UP007
    present = place.under("", None, Condition(f"{place.path}.on", (True,)))
    leaves = list(_annotation(inner, default, present))
    if not any(leaf.searched for leaf in leaves):
        yield plain_leaf(annotation, default, place)
        return
    for leaf in leaves:
        if leaf.path == place.path and leaf.domain.contains(None):
            raise place.error(f"none would be both a choice and off, got {annotation!r}")
    switch = place.under("on", None)
    yield switch.leaf(Choice((False, True)), default is not None, role="presence")
    yield from leaves


def _union(
    members: tuple[object, ...], metadata: tuple[object, ...], default: object, place: Place
) -> Iterator[Dimension]:
    """The leaves of a discriminated union: its tag, then the fields of every branch."""
    tags = [item.discriminator for item in metadata if isinstance(item, FieldInfo)]
    tag = next((tag for tag in tags if isinstance(tag, str)), None)
    if tag is None:
        raise place.error(
            "a union of models is a branch and needs a discriminator: "
            'Annotated[A | B, Field(discriminator="kind")]'
        )
    models = [split(member)[0] for member in members]
    names = [_name(model, tag, place) for model in models]
    chosen = getattr(default, tag, names[0])
    path = f"{place.path}.{tag}"
    yield place.under(tag, tag).leaf(Choice(tuple(names)), chosen)
    for name, model in zip(names, models, strict=True):
        own = default if name == chosen else None
        branch = place.under(name, None, Condition(path, (name,)))
        cls = cast("type[BaseModel]", model)
        yield from _fields(cls, own, branch.path, branch.keys, branch.conditions, tag)


def _name(model: object, tag: str, place: Place) -> str:
    """The name of a branch, which is the only value of its discriminator."""
    if not _is_model(model):
        raise place.error(f"every branch of a union must be a model, got {model!r}")
    branch = cast("type[BaseModel]", model)
    field = branch.model_fields[tag]
    if type(field.default) is not str or get_args(field.annotation) != (field.default,):
        rule = f'the branch {branch.__name__} needs one name, {tag}: Literal["x"] = "x"'
        raise place.error(f"{rule}, got {field.annotation} = {field.default!r}")
    return field.default


def _tuple(
    kind: object, metadata: tuple[object, ...], default: object, place: Place
) -> Iterator[Dimension]:
    """The leaves of a ``tuple[X, ...]`` with a Length: the length, then the maximum of items."""
    length = next(item for item in metadata if isinstance(item, Length))
    arguments = get_args(kind)
    if get_origin(kind) is not tuple or len(arguments) != 2 or arguments[1] is not Ellipsis:
        raise place.error(f"Length searches a tuple[X, ...], got {kind}")
    if length.problem:
        raise place.error(length.problem)
    items = default if isinstance(default, tuple) else ()
    path = f"{place.path}.length"
    counts = Int(length.low, length.high) if length.low < length.high else Choice((length.low,))
    yield place.under("length", None).leaf(counts, counts.nearest(len(items)), role="length")
    for index in range(length.high):
        longer = Condition(path, tuple(range(index + 1, length.high + 1)))
        item = items[min(index, len(items) - 1)] if items else None
        leaves = list(_annotation(arguments[0], item, place.under(str(index), index, longer)))
        if not any(leaf.searched for leaf in leaves):
            raise place.error(f"the items of a searched tuple must be searched, got {kind}")
        yield from leaves
