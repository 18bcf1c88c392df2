"""Reads the argparse options of a script from its syntax tree; the script is never run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tuneyard.search.draft.calls import Call, Calls, find_calls
from tuneyard.search.draft.constants import NotConstantError, shorten
from tuneyard.search.draft.option import Option, Unread
from tuneyard.search.draft.reading import Default, names_of, read_option
from tuneyard.search.errors import SearchError


@dataclass(frozen=True)
class Script:
    """The options of a script.

    Attributes:
        name: The name of its file.
        options: In its order; no two have the same `dest`.
        unread: What else it does with its parsers, by line.
        uses: By the `dest` of an option, the lines that read it from the parsed arguments.
    """

    name: str
    options: tuple[Option, ...]
    unread: tuple[Unread, ...]
    uses: dict[str, list[int]]


def read_script(path: Path) -> Script:
    """Reads the options of a script.

    Raises:
        SearchError: The file can't be read, is not Python, or has no argparse options.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "unknown").lower()
        raise SearchError(f"can't read {path}: {reason}; name a script") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the script's own strings
            tree = ast.parse(text)
    except SyntaxError as error:
        where = f"{path} line {error.lineno}" if error.lineno else f"{path}"
        raise SearchError(f"{where} is not Python 3: {error.msg}") from None
    except (ValueError, RecursionError):
        raise SearchError(f"{path} is not Python 3; name a script") from None
    calls = find_calls(tree)
    if not calls.options:
        raise SearchError(
            f"{path} has no argparse options (add_argument) to draft a space from; "
            "leave --from out and write the space by hand"
        )
    found = list(_read(calls))
    options, clashes = _merged([item for item in found if isinstance(item, Option)])
    unread = [*(item for item in found if isinstance(item, Unread)), *clashes, *_others(calls)]
    unread.sort(key=lambda item: item.line)
    return Script(path.name, options, tuple(unread), calls.uses)


def _read(calls: Calls) -> Iterator[Option | Unread]:
    """Every option, or why it can't be read; then what only `set_defaults` defines."""
    prefixes = _prefixes(calls)
    named: set[str] = set()
    for call in calls.options:
        line = call.node.lineno
        try:
            names, dest = names_of(call, prefixes)
        except NotConstantError as error:
            yield Unread(shorten(call.node), line, str(error))
            continue
        named.add(dest)
        try:
            yield read_option(call, names, dest, _set_default(calls, call, dest))
        except NotConstantError as error:
            yield Unread(", ".join(names), line, str(error))
    for call in calls.defaults:
        yield from _attributes(call, named)


def _prefixes(calls: Calls) -> str:
    found = "-"
    for call in calls.parsers:
        node = call.keyword("prefix_chars")
        if isinstance(node, ast.Constant):
            found += str(node.value)
    return found


def _set_default(calls: Calls, option: Call, dest: str) -> Default | None:
    """What `set_defaults` says of an option: the last one wins, but over `default=` a later one.

    A subcommand may set the default of an option that all share.
    """
    own = any(
        call.command == option.command and call.keyword(dest) is not None for call in calls.defaults
    )
    found: Default | None = None
    for call in calls.defaults:
        node = call.keyword(dest)
        shared = option.command == "" and not own
        if node is None or not (shared or call.command == option.command):
            continue
        if option.keyword("default") is None or call.position > option.position:
            found = (node, call)
    return found


def _attributes(call: Call, named: set[str]) -> Iterator[Option | Unread]:
    """What a call of `set_defaults` adds that no option has."""
    for word in call.node.keywords:
        if word.arg is None:
            reason = "defaults that are known only when the script runs; check those drafted here"
            yield Unread(shorten(call.node), call.node.lineno, reason)
        elif word.arg not in named:
            named.add(word.arg)
            node = ast.Call(call.node.func, [], [ast.keyword("default", word.value)])
            node.lineno = call.node.lineno
            alone = replace(call, node=node)
            try:
                option = read_option(alone, ("set_defaults",), word.arg, None)
                yield replace(option, names=())
            except NotConstantError as error:
                yield Unread(f"set_defaults({word.arg}=...)", call.node.lineno, str(error))
    if call.node.args:
        yield Unread(shorten(call.node), call.node.lineno, "set_defaults takes keywords alone")


def _merged(options: list[Option]) -> tuple[tuple[Option, ...], list[Unread]]:
    """One option for each `dest`, and those that can't share its field.

    The default is that of the first, as in argparse.
    """
    merged: dict[str, Option] = {}
    clashes: list[Unread] = []
    for option in options:
        first = merged.setdefault(option.dest, option)
        if first is option:
            continue
        same = (first.type, first.many) == (option.type, option.many)
        other = option.command != first.command and option.default != first.default
        if not same or other:
            reason = f"another option of the name {option.dest} stands in line {first.line}"
            clashes.append(Unread(option.title.rpartition(" (")[0], option.line, reason))
            continue
        choices = tuple(dict.fromkeys((*first.choices, *option.choices)))
        if first.choices and option.choices and None in choices and first.default is not None:
            choices = tuple(choice for choice in choices if choice is not None)
        names = tuple(dict.fromkeys((*first.names, *option.names)))
        both = choices if first.choices and option.choices else ()
        merged[option.dest] = replace(first, names=names, choices=both)
    return tuple(merged.values()), clashes


def _others(calls: Calls) -> Iterator[Unread]:
    """What the parsers themselves do that a space can't hold."""
    for call in calls.parsers:
        line = call.node.lineno
        if call.keyword("argument_default") is not None:
            reason = "a default for all options; check the defaults drafted here"
            yield Unread("argument_default", line, reason)
        if ast.unparse(call.node.func).endswith("add_subparsers"):
            names = ", ".join(calls.commands) or "none found"
            reason = f"subcommands ({names}): keep the fields of the one that trains"
            yield Unread("add_subparsers", line, reason)
