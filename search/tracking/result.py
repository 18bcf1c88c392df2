"""The result of a search, finished or not, read back from MLflow alone."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict

from mlflow.entities import Run

from tuneyard.search.access import redacted
from tuneyard.search.errors import SearchError
from tuneyard.search.results.result import (
    BaselineResult,
    BestResult,
    MlflowResult,
    SearchResult,
)
from tuneyard.search.results.state import SearchState
from tuneyard.search.tracking.client import MlflowClient
from tuneyard.search.tracking.recorded import RecordedTrial, read_trial
from tuneyard.search.tracking.runs import SearchRun, find_children, find_search
from tuneyard.search.tracking.tags import SearchTags
from tuneyard.search.trials.ranking import best_trial
from tuneyard.search.trials.record import ENDS
from tuneyard.spaces.registry import descriptions
from tuneyard.trainables.worker.assignment import BASELINE


def find_parent(client: MlflowClient, name: str) -> Run:
    """The run of a search.

    Raises:
        SearchError: There is no such search.
    """
    found = find_search(client, name)
    if not found:
        raise SearchError(
            f"there is no search and no task {name!r} in {redacted(client.tracking_uri)}; "
            f"tasks: {', '.join(descriptions())}"
        )
    return found


def read_result(client: MlflowClient, parent: Run, state: SearchState) -> SearchResult:
    """The result of a search as far as it has come, from its run and those of its trials.

    Args:
        client: Of the tracking server.
        parent: The run of a search that a driver has begun; see `SearchTags.begun`.
        state: The search's, as `tuneyard.search.tracking.state` decides it.
    """
    tags = SearchTags.decode(parent.data.tags)
    objective = tags.objective
    assert objective is not None, "a driver that begins a search says what ranks its trials"
    place = SearchRun.of(client, parent)
    children = sorted(find_children(client, place).items())
    trials = [read_trial(run, tags.task) for _, run in children]
    counts = Counter(trial.state for trial in trials)
    baseline = next((trial for trial in trials if trial.number == BASELINE), None)
    best = best_trial(trials, objective)
    return SearchResult(
        search=tags.search,
        task=tags.task,
        state=state,
        objective=objective,
        trials={"total": len(trials)} | {state: counts[state] for state in ENDS},
        baseline=BaselineResult(
            value=baseline.value if baseline else None, config=baseline.params if baseline else {}
        ),
        best=_best_result(best) if best else None,
        mlflow=MlflowResult(**asdict(place)),
        wall_s=round(_wall(parent, tags), 3),
    )


def _best_result(best: RecordedTrial) -> BestResult:
    assert best.value is not None
    return BestResult(
        value=best.value,
        config=best.best_params,
        epoch=best.best_epoch or 0,
        mlflow_run_id=best.run_id,
        test=best.test,
    )


def _wall(parent: Run, tags: SearchTags) -> float:
    """Seconds that the search has taken, without the time between its end and a resume."""
    if tags.wall is not None:
        return tags.wall
    ended: float = parent.info.end_time or time.time() * 1000
    started: int = parent.info.start_time
    return (ended - started) / 1000
