"""How a search and its trials stand, as the HTTP service and its clients show it."""

from __future__ import annotations

from datetime import datetime

from tuneyard.search.frozen import Frozen
from tuneyard.search.results.result import MlflowResult
from tuneyard.search.results.state import SearchState
from tuneyard.spaces import Value
from tuneyard.spaces.objective import Objective


class SearchStatus(Frozen):
    """A search as far as it has come.

    Attributes:
        search: Its name, by which it is known everywhere.
        task: Its task.
        user: Whose token submitted it; None for a search that was not submitted.
        state: Where it is between the queue and its end.
        objective: What ranks trials.
        budget: Trials that it may have, the baseline among them.
        trials: Trials so far: ``total``, ``running``, and by how they ended.
        baseline: The baseline's value; None before it has one.
        best: The best value so far.
        created: When it was submitted or started.
        wall_s: Seconds that it has run in all, those before a resume included; None in the queue.
        eta_s: Estimate of the remaining seconds; None where there is none.
        mlflow: Where it is recorded.
        reason: Why its last driver has not begun; None where there is no such reason.
    """

    search: str
    task: str
    user: str | None
    state: SearchState
    objective: Objective
    budget: int
    trials: dict[str, int]
    baseline: float | None
    best: float | None
    created: datetime
    wall_s: float | None
    eta_s: float | None
    mlflow: MlflowResult
    reason: str | None = None


class TrialStatus(Frozen):
    """A trial as MLflow has it.

    Attributes:
        number: Its number in the search; 0 is the baseline.
        state: Running, or how it ended.
        reason: What ended it; None as long as it runs.
        value: Its best objective; None without one.
        best_epoch: The epoch of that value.
        params: Its config, flat.
        mlflow_run_id: Its run.
    """

    number: int
    state: str
    reason: str | None
    value: float | None
    best_epoch: int | None
    params: dict[str, Value]
    mlflow_run_id: str


class SearchPage(Frozen):
    """Some searches, the newest first; `next` asks for those after them."""

    searches: list[SearchStatus]
    next: str | None


class TrialPage(Frozen):
    """Some trials, in the order in which they started; `next` asks for those after them."""

    trials: list[TrialStatus]
    next: str | None
