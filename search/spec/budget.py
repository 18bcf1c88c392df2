"""`Budget`: what a resumed search may have more, and the spec with it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, FiniteFloat, field_validator

from tuneyard.search.frozen import Frozen
from tuneyard.search.spec.durations import Seconds
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.spaces import SpaceError
from tuneyard.spaces.language.errors import shown

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
            raise SpaceError(f"trials must be a number, or one more with +100, got {shown(trials)}")
        return trials


def extended(spec: SearchSpec, budget: Budget, before: float) -> SearchSpec:
    """The spec with a larger budget; times count from now on.

    Args:
        spec: As the search was recorded.
        budget: What it may have more.
        before: Seconds that it has taken so far.

    Raises:
        SearchError: The new budget can't be one.
    """
    changes: dict[str, object] = {}
    if budget.trials is not None:
        more = budget.trials.startswith("+")
        changes["trials"] = int(budget.trials) + (spec.trials if more else 0)
    if budget.time is not None:
        changes["time"] = before + budget.time
    if budget.target is not None:
        changes["target"] = budget.target
    return parse_spec(spec.model_dump() | changes) if changes else spec
