"""The driver of a search: its stages, in order."""

from __future__ import annotations

from tuneyard.search.errors import SearchError, first_line
from tuneyard.search.results.display import announce
from tuneyard.search.results.result import SearchResult
from tuneyard.search.stages.context import SearchContext
from tuneyard.search.stages.evaluate import Evaluate
from tuneyard.search.stages.explore import Explore
from tuneyard.search.stages.publish import Publish
from tuneyard.search.stages.register import Register
from tuneyard.search.stages.stage import Findings, Stage
from tuneyard.search.storage.files import StorageError
from tuneyard.search.storage.folder import RESULT, LostSearchError
from tuneyard.search.tracking.client import mlflow_may_be_away
from tuneyard.search.tracking.heartbeat import Heartbeat
from tuneyard.search.tracking.runs import end_search
from tuneyard.search.tracking.state import settle
from tuneyard.search.tune.watch import RayLostError

STAGES: tuple[Stage, ...] = (Explore(), Evaluate(), Register(), Publish())
"""Each knows what a driver before has done of it."""


def drive(context: SearchContext) -> SearchResult:
    """Runs a search to its end; what keeps it from that leaves it interrupted, to be resumed.

    Raises:
        SearchError: The storage or Ray was lost, or another driver has taken the search over.
    """
    findings, name = Findings(), context.search.name
    try:
        # as long as it is there, the search has ended
        context.folder.forget(RESULT)
        with Heartbeat(context.client, context.run.run_id, context.clock):
            for stage in STAGES:
                announce(stage.doing)
                stage.run(context, findings)
    except LostSearchError:
        raise
    except Exception as error:
        with mlflow_may_be_away(name):
            settle(context.client, context.client.get_run(context.run.run_id))
        if isinstance(error, StorageError | RayLostError | OSError):
            reason = first_line(error) or type(error).__name__
            raise SearchError(context.interrupted(reason)) from None
        raise
    assert findings.result is not None, "the last stage publishes a result"
    with mlflow_may_be_away(name):
        end_search(context.client, context.run.run_id, findings.result.state)
    return findings.result
