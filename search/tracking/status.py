"""How a search and its trials stand, read from the tags of their MLflow runs."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Literal, cast, get_args

from mlflow.entities import Run

from tuneyard.search.results.result import MlflowResult
from tuneyard.search.results.status import OVER, SearchState, SearchStatus, TrialStatus
from tuneyard.search.tracking.heartbeat import DEAD_SECONDS, HEARTBEAT, WALL
from tuneyard.search.trials.record import ENDS, Params
from tuneyard.spaces import SpaceError
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.space import Space
from tuneyard.spaces.objective import Objective
from tuneyard.spaces.registry import find_description
from tuneyard.trainables.task import find_task

QUEUE_SECONDS = 15.0
"""How long a search may be in the queue before there is a job for it."""


def needs_job(run: Run, now: float) -> bool:
    """Whether its state depends on there being a job: it is queued, or its driver is silent."""
    return _state(run) == "queued" or (
        _state(run) == "running" and _silence(run, now) > DEAD_SECONDS
    )


def shown_state(run: Run, live: Collection[str] | None, now: float) -> SearchState:
    """The state of a search: its tag's, unless nobody is there who would move it on.

    Args:
        run: The search's run.
        live: Searches for which a job waits or runs; None where that is not known.
        now: Unix seconds.
    """
    state = _state(run)
    has_job = live is not None and run.data.tags["tuneyard.search"] in live
    if state == "running" and _silence(run, now) > DEAD_SECONDS and not has_job:
        return "interrupted"
    if state == "queued" and live is not None and not has_job:
        return "interrupted" if _silence(run, now) > QUEUE_SECONDS else "queued"
    return state


def search_status(run: Run, address: str, live: Collection[str] | None, now: float) -> SearchStatus:
    """A search as its run says.

    What a version of tuneyard that wrote less left out is None, or empty in the case of the counts.

    Args:
        run: The search's run.
        address: MLflow's.
        live: Searches for which a job waits or runs; None where that is not known.
        now: Unix seconds.
    """
    tags, metrics = run.data.tags, run.data.metrics
    state = shown_state(run, live, now)
    objective = _objective(tags)
    return SearchStatus(
        search=tags["tuneyard.search"],
        task=tags["tuneyard.task"],
        user=tags.get("tuneyard.user"),
        state=state,
        objective=objective,
        budget=_whole(tags.get("tuneyard.budget") or run.data.params.get("trials")) or 0,
        trials=_counts(run, state),
        baseline=_number(
            tags.get("tuneyard.baseline", metrics.get(f"baseline_{objective.metric}"))
        ),
        best=_number(tags.get("tuneyard.best", metrics.get(f"best_{objective.metric}"))),
        created=datetime.fromtimestamp(_seconds(run.info.start_time), UTC),
        wall_s=_wall(run, state, now),
        eta_s=_number(tags.get("tuneyard.eta")) if state == "running" else None,
        mlflow=MlflowResult(
            tracking_uri=address, experiment_id=run.info.experiment_id, run_id=run.info.run_id
        ),
    )


def trial_status(run: Run, task: str) -> TrialStatus:
    """A trial as its run says."""
    tags = run.data.tags
    return TrialStatus(
        number=int(tags["tuneyard.number"]),
        state=tags.get("tuneyard.state", "running"),
        reason=tags.get("tuneyard.reason") or None,
        value=_number(tags.get("tuneyard.value")),
        best_epoch=_whole(tags.get("tuneyard.best_epoch")),
        params=_typed(run.data.params, task),
        mlflow_run_id=run.info.run_id,
    )


def ended_trials(counts: Mapping[str, int]) -> int:
    """How many of a search's trials have ended."""
    return sum(counts.get(state, 0) for state in ENDS)


def _state(run: Run) -> SearchState:
    state = run.data.tags.get("tuneyard.state")
    return cast("SearchState", state) if state in get_args(SearchState) else "failed"


def _silence(run: Run, now: float) -> float:
    """Seconds since the search was last heard of."""
    heard = _number(run.data.tags.get(HEARTBEAT)) or 0.0
    return now - max(heard, _seconds(run.info.start_time))


def _objective(tags: Mapping[str, str]) -> Objective:
    """As the driver wrote it; as the task says, where no driver has begun."""
    metric, mode = tags.get("tuneyard.metric"), tags.get("tuneyard.mode")
    if metric is None or mode not in ("min", "max"):
        try:
            objective = find_task(tags["tuneyard.task"]).objective
        except SpaceError:
            # a task that another version has
            return Objective(metric=metric or "unknown", mode="min")
        metric, mode = objective.metric, objective.mode
    return Objective(metric=metric, mode=cast('Literal["min", "max"]', mode))


def _counts(run: Run, state: SearchState) -> dict[str, int]:
    text = run.data.tags.get("tuneyard.trials")
    if text is None:
        began = "tuneyard.budget" in run.data.tags
        return dict.fromkeys(("total", "running", *ENDS), 0) if began else {}
    counts: dict[str, int] = json.loads(text)
    # those of a driver that died have nobody who runs them
    return counts | ({"running": 0} if state in OVER else {})


def _wall(run: Run, state: SearchState, now: float) -> float | None:
    wall = _number(run.data.tags.get(WALL))
    if wall is not None or state == "queued" or "tuneyard.budget" in run.data.tags:
        return wall
    end = _seconds(run.info.end_time) if run.info.end_time else now
    return round(end - _seconds(run.info.start_time), 3)


def _seconds(milliseconds: int) -> float:
    return milliseconds / 1000


def _number(value: str | float | None) -> float | None:
    """None for what JSON has no number for."""
    try:
        number = math.nan if value is None else float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _whole(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"\d{1,9}", text) else None


def _typed(params: Mapping[str, str], task: str) -> Params:
    """Values with their types; as text, where this version's space is another."""
    try:
        space = _space(task)
        return space.flatten(space.unflatten(params))
    except ValueError:
        return dict(params)


@cache
def _space(task: str) -> Space[TrainingSpace]:
    return find_description(task).space.space()
