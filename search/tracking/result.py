"""The result of a search, finished or not, read back from MLflow alone."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Literal, cast

from mlflow.entities import Run

from tuneyard.search.access import shown
from tuneyard.search.errors import SearchError
from tuneyard.search.models.registry import champion
from tuneyard.search.results.result import (
    BaselineResult,
    BestResult,
    MlflowResult,
    ResultState,
    SearchResult,
)
from tuneyard.search.tracking.client import MlflowClient
from tuneyard.search.tracking.heartbeat import WALL
from tuneyard.search.tracking.runs import SearchRun, find_children, find_search
from tuneyard.search.trials.record import ENDS, Params
from tuneyard.spaces.objective import Objective
from tuneyard.spaces.registry import descriptions, find_description
from tuneyard.trainables.worker.assignment import BASELINE


def find_result(client: MlflowClient, name: str) -> SearchResult:
    """The result of a search by its name, or of the search that a task's champion comes from.

    Args:
        client: Of the tracking server.
        name: Of a search, or of a task.

    Raises:
        SearchError: There is no such search, it has not started, or the task has no champion yet.
    """
    if name in descriptions():
        best = champion(client, name)
        if best is None:
            raise SearchError(
                f"task {name!r} has no champion in {shown(client.tracking_uri)} yet; "
                f"run: tuneyard search {name}"
            )
        if "tuneyard.search" not in best.tags:
            raise SearchError(
                f"the champion of task {name!r}, {best.name} version {best.version}, comes from no "
                "search; name a search"
            )
        name = best.tags["tuneyard.search"]
    parent = find_parent(client, name)
    if "tuneyard.metric" not in parent.data.tags:
        raise SearchError(f"search {name!r} has not started yet: it waits in the queue")
    return read_result(client, parent)


def find_parent(client: MlflowClient, name: str) -> Run:
    """The run of a search.

    Raises:
        SearchError: There is no such search.
    """
    found = find_search(client, name)
    if not found:
        raise SearchError(
            f"there is no search and no task {name!r} in {shown(client.tracking_uri)}; "
            f"tasks: {', '.join(descriptions())}"
        )
    return found


def read_result(client: MlflowClient, parent: Run) -> SearchResult:
    """The result of a search as far as it has come, from its parent run and their children."""
    tags = parent.data.tags
    task = tags["tuneyard.task"]
    mode = cast('Literal["min", "max"]', tags["tuneyard.mode"])
    objective = Objective(tags["tuneyard.metric"], mode)
    place = SearchRun.of(client, parent)
    children = [run for _, run in sorted(find_children(client, place).items())]
    counts = Counter(run.data.tags.get("tuneyard.state") for run in children)
    first = next(
        (run for run in children if run.data.tags["tuneyard.number"] == str(BASELINE)), None
    )
    ended = parent.info.end_time or time.time() * 1000
    # without the times between the runs of a search that was resumed
    wall = float(tags.get(WALL, (ended - parent.info.start_time) / 1000))
    return SearchResult(
        search=tags["tuneyard.search"],
        task=task,
        state=cast("ResultState", tags["tuneyard.state"]),
        objective=objective,
        trials={"total": len(children)} | {state: counts[state] for state in ENDS},
        baseline=BaselineResult(
            value=_value(first) if first else None,
            config=_typed(first.data.params, task) if first else {},
        ),
        best=_best(children, objective, task),
        mlflow=MlflowResult(**asdict(place)),
        wall_s=round(wall, 3),
    )


def _best(children: Sequence[Run], objective: Objective, task: str) -> BestResult | None:
    """The best trial whose weights were kept when it ended."""
    best: Run | None = None
    for run in children:
        value = _value(run) if "tuneyard.candidate" in run.data.tags else None
        if value is not None and objective.better(value, _value(best) if best else None):
            best = run
    if best is None:
        return None
    return BestResult(
        value=cast("float", _value(best)),
        config=_best_params(best, task),
        epoch=int(best.data.tags["tuneyard.best_epoch"]),
        mlflow_run_id=best.info.run_id,
        test={name: value for name, value in best.data.metrics.items() if name.startswith("test_")},
    )


def _value(run: Run) -> float | None:
    text = run.data.tags.get("tuneyard.value")
    return None if text is None else float(text)


def _best_params(run: Run, task: str) -> Params:
    """A trial's parameters at its best epoch; a scheduler may have changed them."""
    changed = run.data.tags.get("tuneyard.best_params")
    return _typed(json.loads(changed) if changed else run.data.params, task)


def _typed(params: Mapping[str, object], task: str) -> Params:
    space = find_description(task).space.space()
    return space.flatten(space.unflatten(params))
