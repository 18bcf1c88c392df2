"""`search` and `resume` as Python and notebooks call them: they return an `Outcome`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any  # Any: users' functions

from tuneyard.search import api
from tuneyard.search.errors import SearchError
from tuneyard.search.outcome.outcome import Outcome
from tuneyard.search.results.display import displayed, in_notebook
from tuneyard.search.spec.budget import Budget
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.spec.settings import Settings
from tuneyard.spaces import SearchSpace
from tuneyard.spaces.code.functions import FunctionCode
from tuneyard.spaces.code.reference import is_file_reference
from tuneyard.spaces.registry import open_code, open_file


def search(
    task: str | SearchSpec | type | Callable[..., None],
    space: type[SearchSpace] | Mapping[str, object] | None = None,
    *,
    settings: Settings | None = None,
    objective: str | None = None,
    load_data: Callable[..., object] | None = None,
    test: Callable[..., object] | None = None,
    export: Callable[..., object] | None = None,
    epochs: int | None = None,
    **spec: object,
) -> Outcome:
    """Runs a search to its end.

    Everything that can be wrong with the request is found out before anything is written::

        found = search("diabetes", trials=50, space={"optimizer.kind": "adam"})
        found = search("my_task.py", trials=50)
        found = search(train, Space, objective="max accuracy", trials=50)
        found = search(MyTask, trials=50)

    Args:
        task: Name of a task, a file, a class that derives from `Task`, a function, or a whole spec.
        space: Of a function, the class of its configs; of any other task, the restrictions of its
            space, as `SearchSpec` has them.
        settings: Where the search runs and writes; here, where it is None. Unless it says so,
            progress is displayed in a notebook and nowhere else.
        objective: Of a function: ``max METRIC`` or ``min METRIC``.
        load_data: Of a function: loads the data; see `docs/your-own-model.md` for these.
        test: Of a function: tests the best model.
        export: Of a function: the module to register.
        epochs: Of a function: the longest training, where neither its space nor its text says it.
        **spec: The other fields of `SearchSpec`.

    Returns:
        What it found; in state ``failed``, and without a best model, where no trial succeeded.

    Raises:
        CodeError: A file or a function can't be searched; nothing has changed.
        SearchError: The search can't be as it was asked for; nothing has changed.
        DataError: The task's data can't be had; nothing has changed.
    """
    own = {"objective": objective, "load_data": load_data, "test": test, "export": export}
    given = {name: value for name, value in {**own, "epochs": epochs}.items() if value is not None}
    if isinstance(task, SearchSpec):
        _check_unused({**given, **spec} | ({} if space is None else {"space": space}))
        asked = task
    elif callable(task) and not isinstance(task, type):
        code = _functions(task, space, given, name=spec.pop("task", None))
        asked = parse_spec({"task": open_code(code).name} | spec)
    else:
        _check_unused(given)
        restrictions = {} if space is None else {"space": space}
        asked = parse_spec({"task": _named(task)} | restrictions | spec)
    settings = _displayed(settings)
    with displayed(settings.display):
        result = api.search(asked, settings)
    return Outcome(result, settings)


def _functions(
    train: Callable[..., None],
    space: object,
    given: Mapping[str, Any],
    *,
    name: object,
) -> FunctionCode:
    """A function and what belongs to it, as code that travels to the workers."""
    if not (isinstance(space, type) and issubclass(space, SearchSpace)):
        raise SearchError(
            "a function needs the class of its configs: search(train, Space, objective=...), got "
            f"{space!r:.80}"
        )
    if "objective" not in given:
        raise SearchError('a function needs an objective, e.g. objective="max accuracy"')
    others = {key: value for key, value in given.items() if key != "objective"}
    return FunctionCode.of(
        train, space, given["objective"], name=None if name is None else str(name), **others
    )


def _named(task: str | type) -> str:
    """The name of a task; a file or a class is opened."""
    if isinstance(task, type):
        return open_code(FunctionCode.of_class(task)).name
    return open_file(task).name if is_file_reference(task) else task


def _check_unused(given: Mapping[str, object]) -> None:
    """Sees that nothing is given that would not be used."""
    if given:
        raise SearchError(
            f"{next(iter(given))} is for another form: a whole SearchSpec takes nothing beside it, "
            "and objective, load_data, test, export and epochs go with a function"
        )


def resume(
    name: str,
    settings: Settings | None = None,
    budget: Budget | None = None,
    *,
    accept_changes: bool = False,
) -> Outcome:
    """Continues a search whose driver died, that was stopped, or that gets a larger budget.

    No trial that ended is run again; those that had not continue first, from their checkpoints.

    Args:
        name: Of the search.
        settings: Where, as the search was started.
        budget: What it may have more.
        accept_changes: Whether a user's own code may have changed since the search was started.

    Raises:
        CodeError: A user's own code has changed, or can't be had any more; nothing has changed.
        SearchError: There is no such search, it runs, or it has nothing left to do; nothing has
            changed.
        DataError: The task's data can't be had; nothing has changed.
    """
    settings = _displayed(settings)
    with displayed(settings.display):
        result = api.resume(name, settings, budget, accept_changes=accept_changes)
    return Outcome(result, settings)


def _displayed(settings: Settings | None) -> Settings:
    """The settings, which display progress in a notebook unless they say that they do not."""
    settings = settings or Settings()
    if "display" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"display": in_notebook()})
