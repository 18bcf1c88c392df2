"""The service: a `SearchSpec` in, trials on Ray, runs in MLflow, an `Outcome` out.

The names are imported when they are first used: the command line must not wait for Pydantic,
torch, Ray and MLflow to show its help.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from tuneyard.search.home import ensure_home

if TYPE_CHECKING:
    from tuneyard.search.errors import SearchError
    from tuneyard.search.outcome.outcome import Outcome
    from tuneyard.search.python import resume, search
    from tuneyard.search.results.result import SearchResult
    from tuneyard.search.spec.search import SearchSpec
    from tuneyard.search.spec.settings import Settings

__all__ = ["Outcome", "SearchError", "SearchResult", "SearchSpec", "Settings", "resume", "search"]

_HOMES = {
    "Outcome": "outcome.outcome",
    "SearchError": "errors",
    "SearchResult": "results.result",
    "SearchSpec": "spec.search",
    "Settings": "spec.settings",
    "resume": "python",
    "search": "python",
}

ensure_home()


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with _no_hints():
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


@contextmanager
def _no_hints() -> Iterator[None]:
    """Without what Ray and tqdm say when a notebook imports them: to install ipywidgets.

    They would display more with it; tuneyard's own display does not need it.
    """
    logger = logging.getLogger("ray.widgets.util")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "IProgress not found")
            yield
    finally:
        logger.setLevel(level)
