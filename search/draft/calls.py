"""Finds where a script adds options to an argparse parser, and where it reads their values."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass, field

from tuneyard.search.draft.constants import NotConstantError, evaluate
from tuneyard.search.draft.scopes import Scope

_GROUPS = {"add_argument_group", "add_mutually_exclusive_group"}
_PARSES = {"parse_args", "parse_known_args", "parse_intermixed_args"}


@dataclass(frozen=True)
class Call:
    """A call of a parser's method.

    Attributes:
        node: The call.
        scope: Where it stands.
        command: The name of the subcommand whose parser it is; empty for any other parser.
        position: Its place in the order of the script.
    """

    node: ast.Call
    scope: Scope
    command: str
    position: int

    def keyword(self, name: str) -> ast.expr | None:
        """The expression of a keyword; None where it isn't given."""
        return next((word.value for word in self.node.keywords if word.arg == name), None)


@dataclass
class Calls:
    """What a script does with its parsers.

    Attributes:
        options: Its calls of `add_argument`.
        defaults: Its calls of `set_defaults`.
        parsers: Its calls that make a parser or a set of subparsers.
        commands: The names of its subcommands.
        uses: By the name of an option, the lines that read it from the parsed arguments.
    """

    options: list[Call] = field(default_factory=list)
    defaults: list[Call] = field(default_factory=list)
    parsers: list[Call] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    uses: dict[str, list[int]] = field(default_factory=dict)


def find_calls(tree: ast.Module) -> Calls:
    """What a script does with argparse parsers, however it has named and passed them."""
    finder = _Finder(tree)
    finder.visit(tree)
    finder.found.uses = _uses(tree)
    return finder.found


class _Finder(ast.NodeVisitor):
    """Walks a script in its order, and remembers which variable holds which subcommand's parser."""

    def __init__(self, tree: ast.Module) -> None:
        self.found = Calls()
        self._scopes = [Scope(tree)]
        self._owners: list[dict[str, str]] = [{}]

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """A function's parameters are parsers of which nothing is known."""
        names = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        self._scopes.append(Scope(node, self._scopes[-1]))
        self._owners.append({name.arg: "" for name in names})
        self.generic_visit(node)
        self._scopes.pop()
        self._owners.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Assign(self, node: ast.Assign) -> None:
        """A parser or a group gets its name."""
        self.generic_visit(node)
        for target in node.targets:
            self._owners[-1][ast.unparse(target)] = self._owner(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        """Collects the calls that matter."""
        name = ast.unparse(node.func).rpartition(".")[2]
        method = isinstance(node.func, ast.Attribute)
        if name == "add_argument" and method:
            self._collect(self.found.options, node)
        elif name == "set_defaults" and method:
            self._collect(self.found.defaults, node)
        elif name == "add_subparsers" or name.endswith(("ArgumentParser", "ArgParser")):
            self._collect(self.found.parsers, node)
        elif name == "add_parser" and method:
            self.found.parsers.append(Call(node, self._scopes[-1], "", node.lineno))
            self.found.commands.append(self._command(node))
        self.generic_visit(node)

    def _collect(self, place: list[Call], node: ast.Call) -> None:
        owner = self._owner(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        position = len(self.found.options) + len(self.found.defaults)
        place.append(Call(node, self._scopes[-1], owner, position))

    def _owner(self, parser: ast.expr) -> str:
        """The subcommand of a parser or of a group in it; empty where there is none."""
        match parser:
            case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in _GROUPS:
                return self._owner(inner)
            case ast.Call(func=ast.Attribute(attr="add_parser")):
                return self._command(parser)
            case ast.Name() | ast.Attribute():
                text = ast.unparse(parser)
                return next((names[text] for names in self._owners[::-1] if text in names), "")
        return ""

    def _command(self, node: ast.Call) -> str:
        try:
            return str(evaluate(node.args[0], self._scopes[-1]))
        except (NotConstantError, IndexError):
            return "?"


def _uses(tree: ast.Module) -> dict[str, list[int]]:
    """The lines of ``args.NAME``, by name, for every variable that holds parsed arguments."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    parsing = {function.name for function in functions if _calls(function, _PARSES)} | _PARSES
    holders = {"args"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _calls(node.value, parsing):
            target = node.targets[0]
            first = target.elts[0] if isinstance(target, ast.Tuple) else target
            holders.add(ast.unparse(first))
    lines: defaultdict[str, set[int]] = defaultdict(set)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in holders:
            lines[node.attr].add(node.lineno)
    return {name: sorted(found) for name, found in lines.items()}


def _calls(tree: ast.AST, names: set[str]) -> bool:
    called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(ast.unparse(function).rpartition(".")[2] in names for function in called)
