"""`Scope`: what a script, a function or a class binds exactly once, and so holds for constant."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

_INNER = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
"""What has a scope of its own."""

_CHANGES = {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"}
_CHANGES |= {"add", "discard", "popitem", "setdefault", "update"}
"""Methods that change a list, a set or a dictionary."""

Bound = ast.expr | ast.ClassDef


class Scope:
    """The names of one module, function or class.

    Args:
        node: The module, the function or the class.
        parent: The scope around it; None for the module.

    Attributes:
        values: The expressions and classes that statements of its body bind to names, by name.
    """

    def __init__(self, node: ast.AST, parent: Scope | None = None) -> None:
        self._parent = parent
        self._counts = Counter(_bindings(node))
        self.values: dict[str, Bound] = dict(_values(getattr(node, "body", [])))
        self._unstable: set[str] = set(_changed(node)) if parent is None else parent._unstable

    def constant(self, name: str) -> tuple[Bound, Scope] | None:
        """What a name is bound to for good, and where; None if it isn't, or if that's unknown."""
        if name not in self._counts:
            return self._parent.constant(name) if self._parent else None
        if self._counts[name] > 1 or name not in self.values or name in self._unstable:
            return None
        return self.values[name], self


def _values(body: list[ast.stmt]) -> Iterator[tuple[str, Bound]]:
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                if len(names) == len(values):
                    pairs = zip(names, values, strict=True)
                    yield from (
                        (one.id, value) for one, value in pairs if isinstance(one, ast.Name)
                    )
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case ast.ClassDef(name=name):
                yield name, statement


def _within(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, _INNER):
            yield from _within(child)


def _bindings(node: ast.AST) -> Iterator[str]:
    """Every name that a scope binds, once for each time."""
    for inner in _within(node):
        match inner:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]


def _changed(tree: ast.AST) -> Iterator[str]:
    """Names whose content changes after it was bound, or that a function binds from within."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
                if method in _CHANGES:
                    yield name
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                yield name
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from names
