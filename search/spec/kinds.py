"""Options of which there are several kinds: what their classes share, and the kinds of a union."""

from __future__ import annotations

from typing import ClassVar, get_args

from tuneyard.search.frozen import Frozen


class KindOptions(Frozen):
    """Options of one kind of something; a union of such classes is discriminated by `kind`.

    Attributes:
        kind: Its name in a spec.
        summary: What it is, in a few words for the help.
    """

    kind: str
    summary: ClassVar[str]


def kinds_of(union: object) -> dict[str, type[KindOptions]]:
    """The classes of a discriminated union by their kinds, in its order.

    Args:
        union: ``Annotated[A | B, Field(discriminator="kind")]``.
    """
    classes: tuple[type[KindOptions], ...] = get_args(get_args(union)[0])
    return {one.model_fields["kind"].default: one for one in classes}


def kinds_help(union: object) -> str:
    """The kinds of a discriminated union, each with its summary, on one line."""
    return ", ".join(f"{kind} ({one.summary})" for kind, one in kinds_of(union).items())
