"""`search` and `resume` as Python and notebooks call them: they return an `Outcome`."""

from __future__ import annotations

from tuneyard.search import api
from tuneyard.search.errors import SearchError
from tuneyard.search.outcome.outcome import Outcome
from tuneyard.search.results.progress import in_notebook
from tuneyard.search.spec.budget import Budget
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.spec.settings import Settings


def search(task: str | SearchSpec, settings: Settings | None = None, **spec: object) -> Outcome:
    """Runs a search to its end.

    Everything that can be wrong with the request is found out before anything is written::

        found = search("diabetes", trials=50, scheduler="asha", space={"optimizer.kind": "adam"})

    Args:
        task: Name of a task, or a whole spec.
        settings: Where the search runs and writes; here, where it is None. Unless it says so,
            progress is displayed in a notebook and nowhere else.
        **spec: With the name of a task: the other fields of `SearchSpec`.

    Returns:
        What it found; in state ``failed``, and without a best model, where no trial succeeded.

    Raises:
        SearchError: The search can't be as it was asked for; nothing has changed.
        DataError: The task's data can't be had; nothing has changed.
    """
    if isinstance(task, str):
        task = parse_spec({"task": task} | spec)
    elif spec:
        raise SearchError(
            f"{next(iter(spec))} must be a field of the SearchSpec that is given, not beside it"
        )
    settings = _displayed(settings)
    return Outcome(api.search(task, settings), settings)


def resume(name: str, settings: Settings | None = None, budget: Budget | None = None) -> Outcome:
    """Continues a search whose driver died, that was stopped, or that gets a larger budget.

    No trial that ended is run again; those that had not continue first, from their checkpoints.

    Args:
        name: Of the search.
        settings: Where, as the search was started.
        budget: What it may have more.

    Raises:
        SearchError: There is no such search, it runs, or it has nothing left to do; nothing has
            changed.
        DataError: The task's data can't be had; nothing has changed.
    """
    settings = _displayed(settings)
    return Outcome(api.resume(name, settings, budget), settings)


def _displayed(settings: Settings | None) -> Settings:
    """The settings, which display progress in a notebook unless they say that they do not."""
    settings = settings or Settings()
    if "display" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"display": in_notebook()})
