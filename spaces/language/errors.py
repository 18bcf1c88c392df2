"""The error of the space language, and one-line messages for Pydantic's validation errors."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


MAX_SHOWN = 200
"""Characters of a value that a message shows."""

MAX_PROBLEMS = 3
"""Problems that a message names."""


class SpaceError(ValueError):
    """A space, restriction or config violates a rule; the message is one line."""


def clipped(text: str) -> str:
    """The beginning of a text, as far as a message shows one; on one line."""
    begin = text[:MAX_SHOWN]
    line = begin if begin.isprintable() else repr(begin)[1:-1]
    return line if len(text) <= MAX_SHOWN else f"{line}..."


def shown(value: object) -> str:
    """A value as a message shows it: the beginning of its `repr`.

    Args:
        value: Anything; a whole number may have more digits than Python writes.
    """
    try:
        return clipped(repr(value))
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} that is too large to be shown"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggests the most similar names for an unknown name, or all names if none is similar.

    Args:
        word: The unknown name.
        known: The known names.

    Returns:
        ``"did you mean a or b?"``, or ``"known: a, b, c"`` if no name is similar.
    """
    names = sorted(known)
    # the time that it takes grows with the square of the length
    near = get_close_matches(word[:MAX_SHOWN], names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"


def one_line(error: ValidationError, title: str | None = None) -> str:
    """The first problems of a validation error on one line, each as ``path rule, got value``.

    As in the paths of dimensions, the branch of a union is part of the path, e.g.
    ``optimizer.adam.lr``.

    Args:
        error: Pydantic's error.
        title: The text for problems without a path; None means the name of the class or type.
    """
    whole = error.title if title is None else title
    problems = error.errors(include_url=False)
    lines = [_problem(problem, whole) for problem in problems[:MAX_PROBLEMS]]
    more = len(problems) - MAX_PROBLEMS
    return "; ".join([*lines, f"and {more} more"] if more > 0 else lines)


def _problem(problem: ErrorDetails, title: str) -> str:
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, SpaceError):
        return str(cause)
    path = clipped(".".join(str(part) for part in problem["loc"])) or title
    return " ".join(f"{path} {_rule(problem['msg'])}, got {shown(problem['input'])}".split())


def _rule(message: str) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:]
