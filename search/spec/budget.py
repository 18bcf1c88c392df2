"""`Budget`: what a resumed search may have more."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, FiniteFloat, field_validator

from tuneyard.search.frozen import Frozen
from tuneyard.search.spec.durations import Seconds
from tuneyard.spaces import SpaceError

MORE = r"\+?[1-9][0-9]{0,8}"
"""Trials in all, or with a plus so many more."""


class Budget(Frozen):
    """What a resumed search may have more.

    Attributes:
        trials: As many in all (``"300"``), or so many more (``"+100"``).
        time: Wall-clock budget from the resume on in seconds, or as ``20m``.
        target: Value of the objective that ends the search.
    """

    trials: str | None = None
    time: Seconds | None = None
    # strict: true is no number
    target: Annotated[FiniteFloat, Field(strict=True)] | None = None

    @field_validator("trials")
    @classmethod
    def _number(cls, trials: str | None) -> str | None:
        if trials is not None and not re.fullmatch(MORE, trials):
            raise SpaceError(f"trials must be a number, or one more with +100, got {trials!r}")
        return trials
