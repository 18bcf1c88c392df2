"""Errors of the space language, and one line of text for any Pydantic validation error."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


class SpaceError(ValueError):
    """A space, a narrowing or a config breaks a rule: one line with what, where, rule and value."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The remedy for an unknown name: the nearest known names, or all of them.

    Args:
        word: What was asked for.
        known: The names there are.

    Returns:
        ``"did you mean a or b?"``, or ``"known: a, b, c"`` where nothing is near.
    """
    names = sorted(known)
    near = get_close_matches(word, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"


def one_line(error: ValidationError, title: str | None = None) -> str:
    """All problems of a validation error on one line, each as ``path rule, got value``.

    Union tags stand in the path as they do in dotted paths (``optimizer.adam.lr``).

    Args:
        error: What Pydantic found.
        title: Stands where a problem has no path; None means the name of the class or type.
    """
    whole = error.title if title is None else title
    return "; ".join(_problem(problem, whole) for problem in error.errors(include_url=False))


def _problem(problem: ErrorDetails, title: str) -> str:
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, SpaceError):
        return str(cause)
    path = ".".join(str(part) for part in problem["loc"]) or title
    return " ".join(f"{path} {_rule(problem['msg'])}, got {problem['input']!r}".split())


def _rule(message: str) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:]
