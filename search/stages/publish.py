"""Publish: the result of a search, in its folder and in MLflow."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from tuneyard.search.results.csv import trials_csv
from tuneyard.search.results.result import (
    BaselineResult,
    MlflowResult,
    SearchResult,
    best_result,
    count_trials,
)
from tuneyard.search.stages.context import SearchContext
from tuneyard.search.stages.stage import Findings, Stage
from tuneyard.search.storage.folder import RESULT
from tuneyard.search.tracking.client import mlflow_may_be_away
from tuneyard.search.tracking.runs import finish_search
from tuneyard.search.trials.record import TrialRecord
from tuneyard.trainables.worker.assignment import BASELINE

TABLE = "trials.csv"


class Publish(Stage):
    """Makes the result, and writes it with the table of all trials."""

    doing = "writing the result"

    def run(self, context: SearchContext, findings: Findings) -> None:
        """Adds the result."""
        result, table = _result(context, findings), trials_csv(findings.trials)
        context.folder.write(TABLE, table)
        with mlflow_may_be_away(context.search.name):
            finish_search(context.client, result, table)
        # from here on the search has ended: everything else must be there
        context.folder.write(RESULT, result.model_dump_json(indent=2))
        findings.result = result


def _result(context: SearchContext, findings: Findings) -> SearchResult:
    best, tested = findings.best, findings.tested
    outcome: Literal["stopped", "completed"] = "stopped" if findings.interrupted else "completed"
    return SearchResult(
        search=context.search.name,
        task=context.search.task.name,
        state="failed" if best is None and not findings.interrupted else outcome,
        objective=context.search.task.objective,
        trials=count_trials(findings.trials),
        baseline=_baseline(context, findings.trials),
        best=best_result(best, tested.metrics) if best and tested else None,
        mlflow=MlflowResult(**asdict(context.run)),
        wall_s=round(context.clock.total, 3),
    )


def _baseline(context: SearchContext, records: list[TrialRecord]) -> BaselineResult:
    space = context.search.space
    first = next((record for record in records if record.number == BASELINE), None)
    return BaselineResult(
        value=first.value if first else None, config=space.flatten(space.baseline())
    )
