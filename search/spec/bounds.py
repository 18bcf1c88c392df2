"""Bounds of what a spec may hold: checked before any of its values is read, copied or shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tuneyard.spaces import SpaceError
from tuneyard.spaces.language.errors import clipped

MAX_DEPTH = 50
"""Of lists and mappings inside each other; the groups of a space nest to 32."""

MAX_VALUES = 10_000
"""Values in all, keys and whole lists among them."""

MAX_TEXT = 5_000
"""Characters of a text: MLflow takes 6,000 for a param."""

MAX_WHOLE = 2**63
"""Whole numbers lie below: what Optuna, NumPy and PyTorch count with."""


def check_bounds(values: object, *, most: float = MAX_VALUES) -> None:
    """Checks the size of a value that came from outside, however deep it nests.

    Args:
        values: Mappings, lists and plain values, which may refer to each other.
        most: Values in all; ``inf`` where something else bounds them.

    Raises:
        SpaceError: It nests too deeply, has too many values, or one of them is too long.
    """
    left = [_children("", values)]
    seen = 0
    while left:
        child = next(left[-1], None)
        if child is None:
            left.pop()
            continue
        path, value = child
        seen += 1
        if seen > most:
            raise SpaceError(f"there are more than {most} values, the most that may be given")
        _check_plain(path, value)
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            if len(left) >= MAX_DEPTH:
                raise SpaceError(f"{path[:40]}... nests deeper than {MAX_DEPTH} levels")
            left.append(_children(path, value))


def _children(path: str, values: object) -> Iterator[tuple[str, object]]:
    """The keys and the values of a mapping, or the items of a list, each with where it is."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield path, key
            yield f"{path}.{clipped(str(key))}" if path else clipped(str(key)), value
    elif isinstance(values, list | tuple | set | frozenset):
        for index, value in enumerate(values):
            yield f"{path}.{index}" if path else str(index), value


def _check_plain(path: str, value: object) -> None:
    where = path or "a key"
    if isinstance(value, str | bytes):
        if len(value) > MAX_TEXT:
            raise SpaceError(
                f"{where} must be at most {MAX_TEXT} characters, got {len(value)} that begin with "
                f"{value[:20]!r}"
            )
        if isinstance(value, str) and any("\ud800" <= one <= "\udfff" for one in value):
            raise SpaceError(f"{where} must be text in Unicode, got {clipped(repr(value))}")
    elif isinstance(value, int) and not -MAX_WHOLE <= value < MAX_WHOLE:
        bits = value.bit_length()
        raise SpaceError(f"{where} must be a whole number of at most 64 bits, got one of {bits}")
