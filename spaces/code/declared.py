"""Spaces that are declared in a mapping, such as one from a YAML file, rather than in a class."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal, cast  # Any: `create_model` takes fields of any type

from pydantic import create_model

from tuneyard.spaces.language.categorical import Choice
from tuneyard.spaces.language.domains import Value
from tuneyard.spaces.language.errors import SpaceError, clipped, did_you_mean, shown
from tuneyard.spaces.language.numeric import Float, Int
from tuneyard.spaces.language.space import SearchSpace

_RANGE_KEYS = ("low", "high", "log", "step", "default")
_CHOICE_KEYS = ("choices", "default")
_DOMAIN_KEYS = {*_RANGE_KEYS, *_CHOICE_KEYS}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")

_MAX_DEPTH = 32
"""Of groups; see `walk`."""

_MAX_FIELDS = 500
"""Hyperparameters of a space: a grid takes one call inside the other for each."""

_EXPONENT = re.compile(r"[+-]?\d+[eE][+-]?\d+")
"""YAML 1.1 takes a number with an exponent but without a dot, such as ``1e-5``, for text."""

_Field = tuple[object, object]
"""A field of a class: its annotation and its default."""

_Group = dict[str, object]
"""Declarations by name; those of a group inside are a `_Group` too."""


def declared_space(values: Mapping[str, object], name: str) -> type[SearchSpace]:
    """Makes the class of a space from declarations by name.

    A declaration is one of these::

        lr: {low: 1.0e-5, high: 0.1, log: true, default: 0.001}   # Float; log and step are optional
        hidden: {low: 8, high: 256, default: 64}                  # all whole numbers: Int
        activation: {choices: [relu, tanh], default: relu}
        amp: false                                                # true or false: searched
        batch_size: 64                                            # any other plain value: fixed
        optimizer: {momentum: {low: 0.0, high: 0.99, default: 0.9}}    # a group
        optimizer.nesterov: false                                 # a group's member by its path

    Args:
        values: The declarations.
        name: The name of the class, e.g. the task's.

    Raises:
        SpaceError: A declaration violates a rule; one line with its path, the rule, the value and
            the remedy.
    """
    if not values:
        raise SpaceError(
            "space must declare one hyperparameter or more by name, "
            "e.g. lr: {low: 0.001, high: 0.1, default: 0.01}, got none"
        )
    space = _group(_nested(values, ""), name, "")
    if len(space.space().leaves) > _MAX_FIELDS:
        raise SpaceError(f"space must declare at most {_MAX_FIELDS} hyperparameters, got more")
    return space


def _nested(values: Mapping[str, object], path: str) -> _Group:
    """The declarations with dotted paths as groups, and with groups as `_Group`."""
    nested: _Group = {}
    for key, value in values.items():
        where = _joined(path, str(key))
        if where.count(".") >= _MAX_DEPTH:
            raise SpaceError(f"{clipped(where)}: groups must nest at most {_MAX_DEPTH} deep")
        if not isinstance(key, str):
            raise SpaceError(
                f"{where}: a name must be text, got {shown(key)}; begin it with a letter"
            )
        if isinstance(value, Mapping) and not _is_domain(value):
            if not value:
                raise SpaceError(f"{where}: a group must have members, got {{}}")
            value = _nested(value, where)
        first, *inner = key.split(".")
        for part in (first, *inner):
            _check_name(part, where)
        for part in reversed(inner):
            value = {part: value}
        _add(nested, first, value, path)
    return nested


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_domain(value: object) -> bool:
    """Whether a mapping is a domain rather than a group, whose members may have any name."""
    return isinstance(value, Mapping) and any(
        key in value and not isinstance(value[key], Mapping) for key in _DOMAIN_KEYS
    )


def _check_name(name: str, path: str) -> None:
    if not _NAME.fullmatch(name):
        raise SpaceError(
            f"{path}: a name must be letters, digits, _ and -, the first a letter, "
            f"got {shown(name)}"
        )
    # a field must not hide what the class itself has
    if hasattr(SearchSpace, name):
        raise SpaceError(f"{path}: {name} is a reserved name; choose another, e.g. {name}_value")


def _add(group: _Group, name: str, value: object, path: str) -> None:
    """Adds a declaration to a group, whose members may come from several places."""
    where = _joined(path, name)
    if name not in group:
        group[name] = value
        return
    present = group[name]
    if not _is_group(present) or not _is_group(value):
        raise SpaceError(f"{where} is declared twice; leave one of the two out")
    for inner, declaration in cast("_Group", value).items():
        _add(cast("_Group", present), inner, declaration, where)


def _is_group(value: object) -> bool:
    return isinstance(value, dict) and not _is_domain(value)


def _group(group: _Group, name: str, path: str) -> type[SearchSpace]:
    """The class of a group."""
    fields: dict[str, Any] = {}
    for key, value in group.items():
        where = _joined(path, key)
        if _is_group(value):
            kind = _group(cast("_Group", value), f"{name}.{key}", where)
            fields[key] = (kind, kind())
        else:
            fields[key] = _field(value, where)
    return create_model(
        name, __base__=SearchSpace, __doc__=f"The hyperparameters of {name}.", **fields
    )


def _field(value: object, path: str) -> _Field:
    if not isinstance(value, Mapping):
        return _plain(value, path)
    keys = _CHOICE_KEYS if "choices" in value else _RANGE_KEYS
    for key in value:
        if key not in keys:
            near = did_you_mean(str(key), keys)
            raise SpaceError(f"{path}: unknown key {key!r} beside {_others(value, key)}; {near}")
    if "default" not in value:
        raise SpaceError(
            f"{path}: default is missing; it is the baseline, which the search has to beat: "
            "add default: VALUE"
        )
    return _choice(value, path) if "choices" in value else _number(value, path)


def _others(value: Mapping[str, object], key: str) -> str:
    return clipped(", ".join(str(other) for other in value if other != key)) or "nothing"


def _plain(value: object, path: str) -> _Field:
    """The field of a plain value: true and false are searched, any other value is fixed."""
    value = _understood(value)
    for part in value if isinstance(value, list) else [value]:
        if not _is_scalar(part):
            raise SpaceError(
                f"{path}: a fixed value must be text, a bool, a finite number or a list of them, "
                f"got {shown(part)}; put a date into quotes"
            )
    return type(value), value


def _is_scalar(value: object) -> bool:
    return isinstance(value, Value) and not (isinstance(value, float) and not math.isfinite(value))


def _understood(value: object) -> object:
    """A value with the numbers that YAML took for text."""
    if isinstance(value, list):
        return [_understood(item) for item in value]
    if isinstance(value, str) and _EXPONENT.fullmatch(value):
        return float(value)
    return value


def _choice(value: Mapping[str, object], path: str) -> _Field:
    """The field of ``{choices: [relu, tanh], default: relu}``."""
    choices = _understood(value["choices"])
    if not isinstance(choices, list) or not choices:
        raise SpaceError(f"{path}: choices must be a list, e.g. [relu, tanh], got {shown(choices)}")
    for choice in choices:
        if not _is_scalar(choice):
            raise SpaceError(
                f"{path}: a choice must be text, a bool or a finite number, got {shown(choice)}"
            )
    domain = Choice(tuple(choices))
    if domain.problem:
        raise SpaceError(f"{path}: {domain.problem}; leave one of them out")
    try:
        default = domain.read(_understood(value["default"]))
    except SpaceError as error:
        raise SpaceError(f"{path}: the default {error}; add it to choices") from None
    return Literal.__getitem__(domain.choices), default


def _number(value: Mapping[str, object], path: str) -> _Field:
    """The field of ``{low: 1, high: 8, default: 2}``, an Int if all numbers are whole."""
    for key in ("low", "high"):
        if key not in value:
            raise SpaceError(
                f"{path}: {key} is missing beside {_others(value, key)}; a range needs low and "
                "high, a list of values needs choices"
            )
    log = value.get("log", False)
    if not isinstance(log, bool):
        raise SpaceError(f"{path}: log must be true or false, got {shown(log)}")
    keys = [key for key in ("low", "high", "step", "default") if value.get(key) is not None]
    numbers = {key: _read_number(value[key], f"{path}: {key}") for key in keys}
    if "default" not in numbers:
        raise SpaceError(f"{path}: default must be a number, got {shown(value['default'])}")
    domain = _domain(numbers, log=log)
    if domain.problem:
        raise SpaceError(f"{path}: {domain.problem}")
    try:
        default = domain.read(numbers["default"])
    except SpaceError as error:
        raise SpaceError(f"{path}: the default {error}; change it, or low and high") from None
    return Annotated[int if isinstance(domain, Int) else float, domain], default


def _domain(numbers: Mapping[str, int | float], *, log: bool) -> Int | Float:
    """An Int if all numbers are whole, the default too, else a Float."""
    low, high, step = numbers["low"], numbers["high"], numbers.get("step")
    if all(isinstance(number, int) for number in numbers.values()):
        return Int(int(low), int(high), log, None if step is None else int(step))
    return Float(float(low), float(high), log, None if step is None else float(step))


def _read_number(value: object, place: str) -> int | float:
    """A number, also one that YAML took for text.

    Raises:
        SpaceError: It is no number, or a whole one of more than 64 bits.
    """
    number = value
    if isinstance(value, str):
        with suppress(ValueError):
            number = int(value) if value.strip().lstrip("+-").isdecimal() else float(value)
    if not isinstance(number, int | float) or isinstance(number, bool):
        raise SpaceError(f"{place} must be a number, e.g. 0.001 or 1.0e-3, got {shown(value)}")
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        raise SpaceError(
            f"{place} must be a whole number of at most 64 bits, got {shown(value)}; write a "
            "larger one with a point, e.g. 1.0e+30"
        )
    return number
