"""Narrowing: applies a user's restrictions to the leaves of a space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tuneyard.spaces.language.dimensions import Dimension
from tuneyard.spaces.language.domains import Restriction, to_text
from tuneyard.spaces.language.errors import SpaceError, shown

Restrictions = Mapping[str, Restriction]


def narrow_leaves(
    leaves: tuple[Dimension, ...], restrictions: Restrictions
) -> tuple[Dimension, ...]:
    """Narrows the domain of each restricted leaf and drops leaves that can no longer exist.

    The paths of the restrictions must be known. For ``X | None``, ``path=none`` switches the branch
    off, and any other restriction of ``path`` switches it on.

    Raises:
        SpaceError: A value is outside its domain, or a restricted leaf cannot exist under the other
            restrictions.
    """
    wanted = _with_switches(leaves, restrictions)
    kept: dict[str, Dimension] = {}
    for leaf in leaves:
        conflict = _conflict(leaf, kept)
        if conflict is None:
            kept[leaf.path] = _narrowed(leaf, wanted)
        elif leaf.path in wanted:
            raise SpaceError(f"{leaf.path} is never used where {conflict}; leave one of them out")
    return tuple(kept.values())


def _with_switches(leaves: tuple[Dimension, ...], restrictions: Restrictions) -> Restrictions:
    switches = {leaf.path for leaf in leaves if leaf.role == "presence"}
    values = {leaf.path for leaf in leaves if leaf.role == "value"}
    wanted: dict[str, Restriction] = {}
    for path, restriction in restrictions.items():
        switch = f"{path}.on"
        if switch not in switches:
            wanted[path] = restriction
        elif to_text(restriction).lower() == "none":
            wanted[switch] = False
        elif path not in values:
            raise SpaceError(
                f"{path} must be none or be given by the paths under it, got {shown(restriction)}"
            )
        else:
            wanted[path] = restriction
            wanted.setdefault(switch, True)
    return wanted


def _conflict(leaf: Dimension, kept: Mapping[str, Dimension]) -> str | None:
    """Why the leaf cannot exist, given the narrowed leaves before it; None if it can."""
    for condition in leaf.conditions:
        parent = kept.get(condition.path)
        if parent is None:
            return f"{condition.path} is left out"
        if not any(parent.domain.contains(value) for value in condition.values):
            return f"{condition.path} is {parent.domain.describe()}"
    return None


def _narrowed(leaf: Dimension, wanted: Restrictions) -> Dimension:
    if leaf.path not in wanted:
        return leaf
    try:
        domain = leaf.domain.narrowed(wanted[leaf.path])
    except SpaceError as error:
        raise SpaceError(f"{leaf.path} {error}") from None
    return replace(leaf, domain=domain, baseline=domain.nearest(leaf.baseline))
