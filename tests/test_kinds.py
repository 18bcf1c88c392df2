"""Nobody asks of which kind a sampler's or a scheduler's options are: the options answer."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# whose classes nobody else asks for by name: what the rest wants to know, the class says
OPTIONS = ("search/spec/samplers", "search/spec/schedulers")


def asked_kinds(source: str) -> list[tuple[int, str]]:
    """Where ``source`` asks whether a value is of an options class, as (line, class)."""
    tree = ast.parse(source)
    places = tuple(f"tuneyard.{place.replace('/', '.')}" for place in OPTIONS)
    options: dict[str, str] = {}  # the name in this file: the class
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(places):
            options |= {alias.asname or alias.name: alias.name for alias in node.names}
    asked: list[ast.expr] = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kinds]):
                asked.append(kinds)
            case ast.MatchClass(cls=kind):
                asked.append(kind)
            case ast.Compare(left=ast.Call(func=ast.Name(id="type")), comparators=kinds):
                asked += kinds
    return [
        (name.lineno, options[name.id])
        for kinds in asked
        for name in ast.walk(kinds)
        if isinstance(name, ast.Name) and name.id in options
    ]


def test_nobody_asks_for_a_kind_of_sampler_or_scheduler() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} asks for {name}"
        for path in sorted((ROOT / "search").rglob("*.py"))
        if not any(path.is_relative_to(ROOT / place) for place in OPTIONS)
        for line, name in asked_kinds(path.read_text())
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "use",
    [
        "isinstance(options, PBT)",
        "isinstance(options, PBT | None)",
        "isinstance(options, (int, PBT))",
        "type(options) is PBT",
        "match options:\n    case PBT(period=period):\n        pass",
    ],
)
def test_a_question_for_a_kind_is_seen(use: str) -> None:
    start = "from tuneyard.search.spec.schedulers import PBT\n"
    assert [name for _, name in asked_kinds(start + use)] == ["PBT"]
