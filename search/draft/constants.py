"""Evaluates the constant expressions of a script from its syntax tree; nothing of it is run."""

from __future__ import annotations

import ast
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tuneyard.search.draft.scopes import Scope

MOST = 10_000
"""The most items that a constant may have, so that no script makes its reader hang."""


class NotConstantError(Exception):
    """The value of an expression is known only when the script runs; the message says which."""


@dataclass(frozen=True)
class Member:
    """A member of an enumeration that the script defines."""

    name: str
    value: object


@dataclass(frozen=True)
class Enumeration:
    """An enumeration that the script defines."""

    members: tuple[Member, ...]


_OPERATORS: Mapping[type[ast.operator], Callable[..., object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
}
_SIGNS: Mapping[type[ast.unaryop], Callable[..., object]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_CALLS: Mapping[str, Callable[..., object]] = {
    "abs": abs,
    "bool": bool,
    "float": float,
    "int": int,
    "len": len,
    "list": list,
    "max": max,
    "min": min,
    "os.path.join": os.path.join,
    "pathlib.Path": Path,
    "Path": Path,
    "range": range,
    "round": round,
    "set": lambda items=(): list(dict.fromkeys(items)),  # in the script's order
    "sorted": sorted,
    "str": str,
    "tuple": tuple,
}
_METHODS = {"keys", "values", "lower", "upper", "split"}
_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What Python raises for an expression that is wrong."""
_UNKNOWN = object()
"""The value of a dictionary's key that isn't a constant: only the keys are of use."""


def evaluate(node: ast.expr, scope: Scope) -> object:
    """The value of a constant expression.

    Enumerations and their members are returned as `Enumeration` and `Member`.

    Args:
        node: The expression.
        scope: Where it stands: constants that the script binds once are known.

    Raises:
        NotConstantError: The value depends on what happens when the script runs.
    """
    try:
        value = _value(node, scope, {})
    except (NotConstantError, RecursionError, *_ERRORS):
        raise _not_constant(node) from None
    if _holds_unknown(value):
        raise _not_constant(node)
    return value


def items(value: object) -> tuple[object, ...]:
    """The items of a constant that choices are taken from: keys of a dictionary, members.

    Raises:
        TypeError: It has no items.
        ValueError: It has more than `MOST`.
    """
    if isinstance(value, Enumeration):
        return value.members
    if not isinstance(value, Iterable):
        raise TypeError
    if isinstance(value, range) and len(value) > MOST:
        raise ValueError
    return tuple(value)


def shorten(node: ast.AST) -> str:
    """An expression as the script writes it, cut where it is long."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 50 else f"{text[:47]}..."


def _not_constant(node: ast.AST) -> NotConstantError:
    return NotConstantError(f"{shorten(node)} is known only when the script runs")


def _holds_unknown(value: object) -> bool:
    return value is _UNKNOWN or (
        isinstance(value, list | tuple) and any(_holds_unknown(item) for item in value)
    )


def _value(node: ast.expr, scope: Scope, local: Mapping[str, object]) -> object:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return local[name] if name in local else _named(node, scope)
        case ast.List(elts=elements):
            return _elements(elements, scope, local)
        case ast.Tuple(elts=elements):
            return tuple(_elements(elements, scope, local))
        case ast.Set(elts=elements):
            return list(dict.fromkeys(_elements(elements, scope, local)))
        case ast.Dict(keys=keys, values=values):
            return _dictionary(keys, values, scope, local)
        case ast.UnaryOp(op=op, operand=operand):
            return _SIGNS[type(op)](_value(operand, scope, local))
        case ast.BinOp(left=left, op=op, right=right):
            return _combined(op, _value(left, scope, local), _value(right, scope, local))
        case ast.ListComp() | ast.GeneratorExp():
            return _comprehension(node, scope, local)
        case ast.Attribute(value=owner, attr=name):
            return _attribute(_value(owner, scope, local), name)
        case ast.Subscript(value=owner, slice=index):
            return operator.getitem(
                _value(owner, scope, local),  # type: ignore[call-overload]
                _value(index, scope, local),
            )
        case ast.Call(func=called, args=arguments, keywords=[]):
            return _called(called, arguments, scope, local)
    raise _not_constant(node)


def _elements(elements: list[ast.expr], scope: Scope, local: Mapping[str, object]) -> list[object]:
    found: list[object] = []
    for element in elements:
        if isinstance(element, ast.Starred):
            found += items(_value(element.value, scope, local))
        else:
            found.append(_value(element, scope, local))
    return found


def _named(node: ast.Name, scope: Scope) -> object:
    found = scope.constant(node.id)
    if found is None:
        raise _not_constant(node)
    bound, where = found
    if isinstance(bound, ast.ClassDef):
        return _class(bound, where)
    return _value(bound, where, {})


def _class(node: ast.ClassDef, scope: Scope) -> Enumeration | dict[str, object]:
    """An enumeration's members in order, or the constants of any other class by name."""
    inner = Scope(node, scope)
    found: dict[str, object] = {}
    for name in inner.values:
        value = inner.constant(name)
        if value is not None and isinstance(value[0], ast.expr):
            found[name] = _value(value[0], inner, {})
    bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
    if any(base.endswith("Enum") for base in bases):
        return Enumeration(tuple(Member(name, value) for name, value in found.items()))
    return {f".{name}": value for name, value in found.items()}


def _attribute(owner: object, name: str) -> object:
    if isinstance(owner, Enumeration):
        members = {member.name: member for member in owner.members}
        return members if name == "__members__" else members[name]
    if isinstance(owner, Member) and name in ("name", "value"):
        return getattr(owner, name)
    if isinstance(owner, dict):
        return owner[f".{name}"]
    raise AttributeError(name)


def _dictionary(
    keys: list[ast.expr | None], values: list[ast.expr], scope: Scope, local: Mapping[str, object]
) -> dict[object, object]:
    found: dict[object, object] = {}
    for key, value in zip(keys, values, strict=True):
        if key is None:
            raise _not_constant(value)
        try:
            content = _value(value, scope, local)
        except (NotConstantError, *_ERRORS):
            content = _UNKNOWN
        found[_value(key, scope, local)] = content
    return found


def _combined(op: ast.operator, left: object, right: object) -> object:
    """One operator applied, unless the result might be huge."""
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if isinstance(op, ast.Pow | ast.LShift) and not (numbers and abs(right) <= 64):  # type: ignore[arg-type]
        raise ValueError
    if isinstance(op, ast.Mult) and not numbers:
        counts = [value for value in (left, right) if isinstance(value, int)]
        if not counts or counts[0] > MOST:
            raise ValueError
    return _OPERATORS[type(op)](left, right)


def _comprehension(
    node: ast.ListComp | ast.GeneratorExp, scope: Scope, local: Mapping[str, object]
) -> list[object]:
    match node.generators:
        case [ast.comprehension(target=ast.Name(id=name), iter=source, ifs=[], is_async=0)]:
            return [
                _value(node.elt, scope, {**local, name: item})
                for item in items(_value(source, scope, local))
            ]
    raise _not_constant(node)


def _called(
    called: ast.expr, arguments: list[ast.expr], scope: Scope, local: Mapping[str, object]
) -> object:
    values = [_value(argument, scope, local) for argument in arguments]
    name = ast.unparse(called)
    if name in _CALLS:
        whole = ("list", "tuple", "sorted", "set", "len", "min", "max")
        if name in whole and len(values) == 1:
            values = [items(values[0])]
        return _CALLS[name](*values)
    if isinstance(called, ast.Attribute) and called.attr in _METHODS:
        owner = _value(called.value, scope, local)
        if isinstance(owner, str | dict):
            found: object = getattr(owner, called.attr)(*values)
            return found if isinstance(found, str | list) else list(found)  # type: ignore[call-overload]
    raise _not_constant(called)
