"""Objectives as people write them: ``max accuracy``."""

from __future__ import annotations

from typing import Literal, cast

from tuneyard.spaces.language.errors import SpaceError
from tuneyard.spaces.objective import Objective


def parse_objective(text: object) -> Objective:
    """Reads ``max METRIC`` or ``min METRIC``.

    Args:
        text: As it was written; the metric is the name by which its values are reported.

    Raises:
        SpaceError: It reads otherwise.
    """
    words = text.split() if isinstance(text, str) else []
    if len(words) != 2 or words[0] not in ("max", "min"):
        raise SpaceError(f"objective must read 'max METRIC' or 'min METRIC', got {text!r}")
    return Objective(words[1], cast('Literal["min", "max"]', words[0]))
