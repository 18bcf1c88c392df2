"""How a search and its trials stand, read from the tags of their MLflow runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from mlflow.entities import Run

from tuneyard.search.results.result import MlflowResult
from tuneyard.search.results.state import OVER, SearchState
from tuneyard.search.results.status import SearchStatus, TrialStatus
from tuneyard.search.tracking.recorded import read_trial
from tuneyard.search.tracking.tags import SearchTags
from tuneyard.search.trials.record import ENDS
from tuneyard.spaces import SpaceError
from tuneyard.spaces.objective import Objective
from tuneyard.spaces.registry import find_description


def search_status(run: Run, address: str, state: SearchState, now: float) -> SearchStatus:
    """A search as its run says.

    What a version of tuneyard that wrote less left out is None, or empty in the case of the counts.

    Args:
        run: The search's run.
        address: MLflow's.
        state: The search's, as `tuneyard.search.tracking.state` decides it.
        now: Unix seconds.
    """
    tags, metrics = SearchTags.decode(run.data.tags), run.data.metrics
    objective = tags.objective or _objective(tags.task)
    # where there are no such tags, there may be metrics: those of a search that has ended
    baseline = _finite(metrics.get(f"baseline_{objective.metric}"))
    best = _finite(metrics.get(f"best_{objective.metric}"))
    return SearchStatus(
        search=tags.search,
        task=tags.task,
        user=tags.user,
        state=state,
        objective=objective,
        budget=tags.budget or _whole(run.data.params.get("trials")),
        trials=_counts(tags, state),
        baseline=baseline if tags.baseline is None else tags.baseline,
        best=best if tags.best is None else tags.best,
        created=datetime.fromtimestamp(_seconds(run.info.start_time), UTC),
        wall_s=_wall(run, tags, state, now),
        eta_s=tags.eta if state == "running" else None,
        mlflow=MlflowResult(
            tracking_uri=address, experiment_id=run.info.experiment_id, run_id=run.info.run_id
        ),
        reason=tags.reason or None,
    )


def trial_status(run: Run, task: str) -> TrialStatus:
    """A trial as its run says."""
    trial = read_trial(run, task)
    return TrialStatus(
        number=trial.number,
        state=trial.state,
        reason=trial.reason or None,
        value=trial.value,
        best_epoch=trial.best_epoch,
        params=trial.params,
        mlflow_run_id=trial.run_id,
    )


def ended_trials(counts: Mapping[str, int]) -> int:
    """How many of a search's trials have ended."""
    return sum(counts.get(state, 0) for state in ENDS)


def _objective(task: str) -> Objective:
    """What ranks the trials of a search that no driver has begun."""
    try:
        return find_description(task).objective
    except SpaceError:
        # the task is of another version of tuneyard
        return Objective(metric="unknown", mode="min")


def _counts(tags: SearchTags, state: SearchState) -> dict[str, int]:
    # no trial runs where its driver has died
    return tags.trials | ({"running": 0} if state in OVER and tags.trials else {})


def _wall(run: Run, tags: SearchTags, state: SearchState, now: float) -> float | None:
    if tags.wall is not None or state == "queued" or tags.layout > 0:
        return tags.wall
    # the first versions wrote no such tag
    end = _seconds(run.info.end_time) if run.info.end_time else now
    return round(end - _seconds(run.info.start_time), 3)


def _seconds(milliseconds: int) -> float:
    return milliseconds / 1000


def _finite(value: float | None) -> float | None:
    """None for a number that JSON cannot hold."""
    return value if value is not None and math.isfinite(value) else None


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
