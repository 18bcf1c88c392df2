"""What the commands of a cluster print for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tuneyard.search.results.comparison import best_against_baseline
from tuneyard.search.results.status import SearchStatus
from tuneyard.search.results.tables import print_table
from tuneyard.search.trials.record import FAILURES

UNITS = ((86400, "d"), (3600, "h"), (60, "min"))
COLUMNS = ("search", "task", "state", "trials", "best vs baseline", "user", "age")


def print_jobs(searches: Sequence[SearchStatus]) -> None:
    """Prints a table with one row per search, in the order given."""
    now = datetime.now(UTC)
    rows = [
        (
            one.search,
            one.task,
            one.state,
            f"{_done(one)}/{one.budget}",
            _best(one),
            one.user or "",
            duration((now - one.created).total_seconds()),
        )
        for one in searches
    ]
    print_table(COLUMNS, rows)


def print_submitted(status: SearchStatus, options: str) -> None:
    """Where a search that was handed over can be seen.

    Args:
        status: Of the search.
        options: Those that the commands named need.
    """
    print(f"Search {status.search} is {status.state}\n")
    for what, command in (("log", "logs -f"), ("stop", "stop")):
        print(f"{what + ':':8}tuneyard {command} {status.search}{options}")
    print(f"{'all:':8}tuneyard jobs{options}")
    print(f"{'MLflow:':8}{mlflow_page(status)}")


def mlflow_page(status: SearchStatus) -> str:
    """The page of a search in MLflow's UI; the store and the run where it has no server."""
    uri, run_id = status.mlflow.tracking_uri.rstrip("/"), status.mlflow.run_id
    if uri.startswith("http"):
        return f"{uri}/#/experiments/{status.mlflow.experiment_id}/runs/{run_id}"
    return f"run {run_id} in {uri}"


def status_line(status: SearchStatus) -> str:
    """A search in one line."""
    failed = sum(status.trials.get(state, 0) for state in FAILURES)
    parts = [
        status.state,
        f"{_done(status)}/{status.budget} trials",
        f"{status.trials.get('running', 0)} running",
        f"{status.trials.get('pruned', 0)} pruned",
        f"{failed} failed",
        _best(status),
        "" if status.wall_s is None else f"{duration(status.wall_s)} elapsed",
        "" if status.eta_s is None else f"{duration(status.eta_s)} remaining",
        status.reason or "",
    ]
    return " · ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """Seconds in the largest unit that they fill: ``45 s``, ``3 min``, ``2 h``, ``5 d``."""
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _done(status: SearchStatus) -> int:
    return status.trials.get("total", 0) - status.trials.get("running", 0)


def _best(status: SearchStatus) -> str:
    return best_against_baseline(status.objective.metric, status.best, status.baseline)
