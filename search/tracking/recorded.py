"""`RecordedTrial`: a trial as its run in MLflow has it, with typed values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from mlflow.entities import Run

from tuneyard.search.tracking.tags import TrialTags
from tuneyard.search.trials.record import Params, State
from tuneyard.spaces import SearchSpace, Value
from tuneyard.spaces.language.space import Space
from tuneyard.spaces.registry import find_description


@dataclass(frozen=True)
class RecordedTrial:
    """A trial that was read from MLflow.

    Attributes:
        number: Its number in the search; 0 is the baseline.
        state: Running, or how it ended.
        reason: What ended it; empty as long as it runs.
        value: Its best objective; None without one.
        best_epoch: The epoch of that value; None without one.
        eligible: Whether its model may be the search's best.
        params: Its config as flat parameters, as proposed.
        best_params: The parameters at its best epoch; a scheduler may have changed them.
        test: The metrics of its model on the test split, where it was tested.
        run_id: Its run.
    """

    number: int
    state: State
    reason: str
    value: float | None
    best_epoch: int | None
    eligible: bool
    params: Params
    best_params: Params
    test: dict[str, float]
    run_id: str


def read_trial(run: Run, task: str) -> RecordedTrial:
    """A trial from its run.

    Args:
        run: Of the trial.
        task: Gives the parameters their types, where its space is known here.
    """
    tags = TrialTags.decode(run.data.tags)
    params = _typed(run.data.params, task)
    return RecordedTrial(
        number=tags.number,
        state=tags.state,
        reason=tags.reason,
        value=tags.value,
        best_epoch=tags.best_epoch,
        eligible=tags.eligible,
        params=params,
        best_params=params if tags.best_params is None else _typed(tags.best_params, task),
        test={name: value for name, value in run.data.metrics.items() if name.startswith("test_")},
        run_id=run.info.run_id,
    )


def _typed(params: Mapping[str, object], task: str) -> Params:
    try:
        space = _space(task)
        return space.flatten(space.unflatten(params))
    except ValueError:
        return {path: _plain(value) for path, value in params.items()}


def _plain(value: object) -> Value:
    """A parameter of a space that is not known here: a number or a truth value, or its text."""
    try:
        found = json.loads(str(value))
    except ValueError:
        return str(value)
    return found if isinstance(found, bool | int | float) else str(value)


@cache
def _space(task: str) -> Space[SearchSpace]:
    return find_description(task).space.space()
