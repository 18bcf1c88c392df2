"""Register: the best model in MLflow's registry, and champion if it beats the one before."""

from __future__ import annotations

import logging

from tuneyard.datasets import Data
from tuneyard.search.models.registry import promote, register
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.stages.context import SearchContext
from tuneyard.search.stages.stage import Findings, Stage
from tuneyard.search.stages.tested import TestedModel
from tuneyard.search.storage.folder import MODEL, SearchFolder
from tuneyard.search.tracking.client import MlflowClient, mlflow_may_be_away
from tuneyard.search.tracking.tags import VersionTags
from tuneyard.search.trials.record import TrialRecord

logger = logging.getLogger(__name__)


class Register(Stage):
    """Logs the best model on its trial's run, and registers it."""

    doing = "registering the best model"

    def run(self, context: SearchContext, findings: Findings) -> None:
        """Does nothing where no trial succeeded."""
        if findings.best is None or findings.tested is None:
            return
        with mlflow_may_be_away(context.search.name):
            register_tested(
                context.client,
                context.folder,
                context.search,
                context.data,
                findings.best,
                findings.tested,
            )


def register_tested(
    client: MlflowClient,
    folder: SearchFolder,
    search: ResolvedSpec,
    data: Data,
    best: TrialRecord,
    tested: TestedModel,
) -> None:
    """Writes what the test of the best model found, and registers the model from its files.

    Args:
        client: Of the tracking server.
        folder: Of the search; holds the model.
        search: What is searched.
        data: What it was searched on.
        best: The best trial, with its run.
        tested: Its model.
    """
    for name, value in tested.metrics.items():
        client.log_metric(best.run_id, name, value)
    if not tested.saved:
        return
    task = search.task
    tags = VersionTags(
        search=search.name,
        metric=task.objective.metric,
        value=best.value,
        data=data.fingerprint,
        folds=search.folds,
        classes=tuple(data.classes),
    )
    with folder.fetched(MODEL) as files:
        version = register(client, files, task=task.name, run_id=best.run_id, tags=tags)
    logger.info(promote(client, version, task.objective))
