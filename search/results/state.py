"""`SearchState`: the state of a search, in the same words wherever it is shown."""

from __future__ import annotations

from typing import Literal

SearchState = Literal["queued", "running", "interrupted", "completed", "stopped", "failed"]
"""A search's state; the last three are ends.

An ``interrupted`` search lost its driver, or its place in the queue: `resume` continues it.
"""

ENDED: frozenset[SearchState] = frozenset({"completed", "stopped", "failed"})
"""States of a search whose last stage is done."""

OVER: frozenset[SearchState] = ENDED | {"interrupted"}
"""States in which nothing runs and nothing will, unless the search is resumed."""
