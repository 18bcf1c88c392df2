"""`--set` and `--range` of the command line as restrictions of a space."""

from __future__ import annotations

from collections.abc import Sequence

from tuneyard.search.errors import SearchError
from tuneyard.spaces import Range

Restriction = str | list[str] | Range


def parse_restrictions(sets: Sequence[str], ranges: Sequence[str]) -> dict[str, Restriction]:
    """Restrictions by dotted path.

    Args:
        sets: ``path=value`` or ``path=value,value``.
        ranges: ``path=low:high``, ``path=low:high:log`` or ``path=low:high:linear``.

    Raises:
        SearchError: One has another form, or a path comes twice.
        SpaceError: A range has another form.
    """
    found: dict[str, Restriction] = {}
    for option, texts in (("--set", sets), ("--range", ranges)):
        for text in texts:
            path, equals, value = text.partition("=")
            if not (path and equals and value):
                raise SearchError(f"{option} must read path=value, got {text!r}")
            if path in found:
                raise SearchError(f"{path} is restricted twice; leave one of them out")
            found[path] = Range.parse(value) if option == "--range" else _values(value)
    return found


def _values(text: str) -> str | list[str]:
    """One value, or the values between commas; JSON, as fixed lists take it, stays whole."""
    if "," in text and not text.startswith(("[", "{", '"')):
        return text.split(",")
    return text
