"""The driver of a search: its stages, in order."""

from __future__ import annotations

from tuneyard.search.results.result import SearchResult
from tuneyard.search.stages.context import SearchContext
from tuneyard.search.stages.evaluate import Evaluate
from tuneyard.search.stages.explore import Explore
from tuneyard.search.stages.publish import Publish
from tuneyard.search.stages.register import Register
from tuneyard.search.stages.stage import Findings, Stage
from tuneyard.search.tracking.client import mlflow_may_be_away
from tuneyard.search.tracking.heartbeat import Heartbeat
from tuneyard.search.tracking.runs import end_search

STAGES: tuple[Stage, ...] = (Explore(), Evaluate(), Register(), Publish())


def drive(context: SearchContext) -> SearchResult:
    """Runs a search to its end; its run in MLflow is closed, whatever happens."""
    findings = Findings()
    try:
        with Heartbeat(context.client, context.run.run_id, context.clock):
            for stage in STAGES:
                stage.run(context, findings)
    finally:
        state = findings.result.state if findings.result else "failed"
        with mlflow_may_be_away():
            end_search(context.client, context.run.run_id, state)
    assert findings.result is not None, "the last stage publishes a result"
    return findings.result
