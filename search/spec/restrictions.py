"""Restrictions of a space: as a spec holds them, and as `--set` and `--range` write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Discriminator, Tag

from tuneyard.search.errors import SearchError
from tuneyard.search.spec.bounds import check_bounds
from tuneyard.spaces import Range, Restriction, Value
from tuneyard.spaces.language.errors import clipped, shown


def _form(value: object) -> str | None:
    """Which of the three forms a restriction has, so that an error speaks of that one alone."""
    if isinstance(value, Mapping | Range):
        return "range"
    if isinstance(value, list | tuple):
        return "choices" if all(isinstance(choice, Value) for choice in value) else None
    return "value" if isinstance(value, Value) else None


CheckedRestriction = Annotated[
    Annotated[Value, Tag("value")]
    | Annotated[list[Value], Tag("choices")]
    | Annotated[Range, Tag("range")],
    Discriminator(
        _form,
        custom_error_type="restriction",
        custom_error_message="must be one value, a list of values, or a range {low, high, log}",
    ),
]
"""A `Restriction` whose form Pydantic checks; a range may come as a mapping."""


def parse_restrictions(sets: Sequence[str], ranges: Sequence[str]) -> dict[str, Restriction]:
    """Restrictions by dotted path.

    Args:
        sets: ``path=value`` or ``path=value,value``.
        ranges: ``path=low:high``, ``path=low:high:log`` or ``path=low:high:linear``.

    Raises:
        SearchError: One has another form, or a path comes twice.
        SpaceError: A range has another form, or the restrictions are more than a spec may hold.
    """
    found: dict[str, Restriction] = {}
    for option, texts in (("--set", sets), ("--range", ranges)):
        for text in texts:
            path, equals, value = text.partition("=")
            if not (path and equals and value):
                raise SearchError(f"{option} must read path=value, got {shown(text)}")
            if path in found:
                raise SearchError(f"{clipped(path)} is restricted twice; leave one of them out")
            found[path] = Range.parse(value) if option == "--range" else _values(value)
    check_bounds(found)
    return found


def _values(text: str) -> str | list[str]:
    """One value, or the values between commas; JSON, as fixed lists take it, stays whole."""
    if "," in text and not text.startswith(("[", "{", '"')):
        return text.split(",")
    return text
