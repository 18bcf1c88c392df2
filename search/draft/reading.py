"""Reads one call of `add_argument` as argparse would."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Callable, Mapping
from pathlib import Path

from tuneyard.search.draft.calls import Call
from tuneyard.search.draft.constants import (
    Enumeration,
    Member,
    NotConstantError,
    evaluate,
    items,
    shorten,
)
from tuneyard.search.draft.option import Option, Plain

Default = tuple[ast.expr, Call]
"""The expression that `set_defaults` gives an option, and that call."""

_CONVERTERS: Mapping[str, tuple[str, Callable[[str], Plain]]] = {
    "bool": ("bool", bool),
    "float": ("float", float),
    "int": ("int", int),
    "pathlib.Path": ("Path", Path),
    "Path": ("Path", Path),
    "str": ("str", str),
    "str.lower": ("str", str.lower),
    "str.upper": ("str", str.upper),
}
_FLAGS = {"store_true": False, "store_false": True}
_NARGS = {name: str(getattr(argparse, name)) for name in ("OPTIONAL", "REMAINDER", "PARSER")}
_NARGS |= {name: str(getattr(argparse, name)) for name in ("ZERO_OR_MORE", "ONE_OR_MORE")}
_EMPTY = ("*", argparse.REMAINDER)
"""What leaves a positional argument an empty list."""
_MANY = {*_EMPTY, "+", argparse.PARSER}
_SILENT = {"version": "prints the script's version", "help": "prints the script's help"}
_LISTS = {"append", "append_const", "extend"}
_KNOWN = {"store", "store_const", "count", "BooleanOptionalAction", *_FLAGS, *_LISTS}


def names_of(call: Call, prefixes: str) -> tuple[tuple[str, ...], str]:
    """The names of an option, and the one under which the script reads it.

    Args:
        call: The call of `add_argument`.
        prefixes: The characters that the names of optional arguments begin with.

    Raises:
        NotConstantError: They aren't constants.
    """
    if any(isinstance(argument, ast.Starred) for argument in call.node.args):
        raise NotConstantError("its names are known only when the script runs")
    names = tuple(str(evaluate(argument, call.scope)) for argument in call.node.args)
    given = call.keyword("dest")
    if given is not None:
        dest = str(evaluate(given, call.scope))
        return names or (dest,), dest
    if not names:
        raise NotConstantError("it has neither a name nor a dest")
    if names[0][0] not in prefixes:
        return names, names[0]
    long = next((name for name in names if len(name) > 1 and name[1] in prefixes), names[0])
    return names, long.lstrip(prefixes).replace("-", "_")


def read_option(call: Call, names: tuple[str, ...], dest: str, default: Default | None) -> Option:
    """One option as argparse makes it.

    Args:
        call: The call of `add_argument`.
        names: The option's names.
        dest: The name under which the script reads it.
        default: What `set_defaults` says; None for nothing.

    Raises:
        NotConstantError: It can't be known without running the script; the message says why.
    """
    if any(word.arg is None for word in call.node.keywords):
        raise NotConstantError("some of its keywords are in a ** dictionary")
    action = _action(call)
    nargs = _nargs(call)
    positional = names[0] == dest
    many = action in _LISTS or isinstance(nargs, int) or nargs in _MANY
    choices = () if action in _FLAGS else _choices(call)
    value = _default(call, default)
    if value is None and _has_no_default(call, default):
        value = () if positional and nargs in _EMPTY else _FLAGS.get(action)
    value, kind = _aligned(value, _kind(call, action, value, choices))
    if action == "store_const" and not isinstance(value, tuple):
        choices = tuple(dict.fromkeys((value, *_plain(_const(call)))))
    return Option(
        names,
        dest,
        call.node.lineno,
        call.command,
        kind,
        isinstance(value, tuple) or (many and value is None),
        value,
        choices,
        _required(call, positional and nargs not in ("?", *_EMPTY)),
        _help(call, value),
        _note(call, default),
    )


def _action(call: Call) -> str:
    node = call.keyword("action")
    if node is None:
        return "store"
    name = node.value if isinstance(node, ast.Constant) else ast.unparse(node).rpartition(".")[2]
    if name in _SILENT:
        raise NotConstantError(_SILENT[str(name)])
    if name not in _KNOWN:
        raise NotConstantError(f"its action {shorten(node)} is the script's own")
    return str(name)


def _nargs(call: Call) -> object:
    node = call.keyword("nargs")
    if node is None:
        return None
    name = ast.unparse(node).rpartition(".")[2]
    return _NARGS[name] if name in _NARGS else evaluate(node, call.scope)


def _required(call: Call, unless_given: bool) -> bool:
    node = call.keyword("required")
    return unless_given if node is None else bool(evaluate(node, call.scope))


def _const(call: Call) -> object:
    node = call.keyword("const")
    return None if node is None else evaluate(node, call.scope)


def _choices(call: Call) -> tuple[Plain, ...]:
    node = call.keyword("choices")
    if node is None:
        enumeration = _enumeration(call)
        found: tuple[object, ...] = enumeration.members if enumeration else ()
    else:
        try:
            found = items(evaluate(node, call.scope))
        except NotConstantError as error:
            raise NotConstantError(f"its choices: {error}") from None
        except (TypeError, ValueError):
            raise NotConstantError(f"its choices {shorten(node)} can't be listed") from None
    return tuple(value for item in found for value in _plain(item))


def _plain(value: object) -> tuple[Plain, ...]:
    """A constant as a value of a field; a list as its items."""
    if isinstance(value, Member):
        value = value.value
    if isinstance(value, list | tuple):
        return tuple(item for inner in value for item in _plain(inner))
    if not isinstance(value, Plain):
        raise NotConstantError(f"a {type(value).__name__} is no value of a field")
    return (value,)


def _has_no_default(call: Call, given: Default | None) -> bool:
    return given is None and call.keyword("default") is None


def _default(call: Call, given: Default | None) -> Plain | tuple[Plain, ...]:
    """The default as argparse converts it; None where there is none."""
    node, scope = call.keyword("default"), call.scope
    if given is not None:
        node, scope = given[0], given[1].scope
    if node is None:
        return None
    if ast.unparse(node).endswith("SUPPRESS"):
        raise NotConstantError("without a default (SUPPRESS) the script has no such attribute")
    try:
        value = evaluate(node, scope)
        if isinstance(value, Enumeration | dict):
            raise NotConstantError(f"{shorten(node)} is no single value")
        if isinstance(value, list | tuple | range):
            return tuple(plain for item in value for plain in _plain(item))
        plain = _plain(value)[0]
        return plain if isinstance(value, Member) else _converted(call, plain)
    except NotConstantError as error:
        raise NotConstantError(f"its default: {error}") from None


def _converted(call: Call, value: Plain) -> Plain:
    """The default as `type` makes it, which argparse calls for text alone."""
    node = call.keyword("type")
    if node is None or not isinstance(value, str):
        return value
    name = ast.unparse(node)
    if name in _CONVERTERS:
        try:
            return _CONVERTERS[name][1](value)
        except ValueError:
            raise NotConstantError(f"{name} can't read {value!r}") from None
    enumeration = _enumeration(call)
    if enumeration and value in [member.value for member in enumeration.members]:
        return value
    raise NotConstantError(f"{shorten(node)} makes it of {value!r} when the script runs")


def _enumeration(call: Call) -> Enumeration | None:
    """The enumeration of the script that is an option's type; None where there is none."""
    node = call.keyword("type")
    try:
        found = None if node is None else evaluate(node, call.scope)
    except NotConstantError:
        return None
    return found if isinstance(found, Enumeration) else None


def _note(call: Call, given: Default | None) -> str:
    kind = call.keyword("type")
    if kind is not None and ast.unparse(kind) == "bool":
        return "type=bool reads every text but the empty one as True"
    node = given[0] if given else call.keyword("default")
    try:
        member = node is not None and isinstance(evaluate(node, call.scope), Member)
    except NotConstantError:
        member = False
    if member or _enumeration(call):
        return "in the script it is a member of an enumeration; this is the member's value"
    return ""


def _kind(
    call: Call, action: str, value: Plain | tuple[Plain, ...], choices: tuple[Plain, ...]
) -> str:
    """The type of an option's value, or of each value in its list."""
    if action in _FLAGS or action == "BooleanOptionalAction":
        return "bool"
    if action == "count":
        return "int"
    node = call.keyword("type")
    if node is not None and ast.unparse(node) in _CONVERTERS:
        return _CONVERTERS[ast.unparse(node)][0]
    samples = [item for item in (value if isinstance(value, tuple) else (value,)) if item != ""]
    if action in ("store_const", "append_const"):
        samples += _plain(_const(call))
    known = [item for item in (*samples, *choices) if item is not None]
    if known:
        return type(known[0]).__name__.removeprefix("Posix").removeprefix("Windows")
    if node is None or ast.unparse(node) == "None":
        return "str"
    raise NotConstantError(f"its type is what {shorten(node)} makes of a text")


def _aligned(value: Plain | tuple[Plain, ...], kind: str) -> tuple[Plain | tuple[Plain, ...], str]:
    """A default that has its declared type, or else the type that the default has."""
    if isinstance(value, tuple):
        pairs = [_aligned(item, kind) for item in value]
        kinds = {found for _, found in pairs}
        if kinds == {"int", "float"}:
            return _aligned(value, "float")
        if len(kinds) > 1 or None in value:
            raise NotConstantError("its default is a list of several types")
        found = kinds.pop() if kinds else kind
        return tuple(item for item, _ in pairs if not isinstance(item, tuple)), found
    if value is None or type(value).__name__ == kind or isinstance(value, Path):
        return value, kind
    if isinstance(value, int | float) and kind in ("int", "float", "bool"):
        converted = {"int": int, "float": float, "bool": bool}[kind](value)
        if converted == value:
            return converted, kind
    return value, type(value).__name__


def _help(call: Call, value: object) -> str:
    node = call.keyword("help")
    try:
        text = str(evaluate(node, call.scope)) if node is not None else ""
    except NotConstantError:
        return ""
    return " ".join(text.replace("%(default)s", str(value)).replace("%%", "%").split())
