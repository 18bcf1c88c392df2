"""The service: a `SearchSpec` in, trials on Ray, runs in MLflow, a `SearchResult` out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuneyard.search.errors import SearchError
from tuneyard.search.spec import SearchSpec, Settings

if TYPE_CHECKING:
    from tuneyard.search.results import SearchResult

__all__ = ["SearchError", "SearchSpec", "Settings", "search"]


def search(spec: SearchSpec, settings: Settings | None = None) -> SearchResult:
    """Runs a search to its end; see `tuneyard.search.run.run_search`."""
    # Ray, torch and MLflow take seconds to import
    from tuneyard.search.run import run_search

    return run_search(spec, settings or Settings())
