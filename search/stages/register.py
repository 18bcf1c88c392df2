"""Register: the best model in MLflow's registry, and champion if it beats the one before."""

from __future__ import annotations

import logging

from tuneyard.search.models.champions import find_champion
from tuneyard.search.models.registry import promote, register
from tuneyard.search.stages.context import SearchContext
from tuneyard.search.stages.stage import Findings, Stage
from tuneyard.search.tracking.client import mlflow_may_be_away
from tuneyard.search.tracking.tags import VersionTags
from tuneyard.search.trials.record import TrialRecord
from tuneyard.trainables.training.evaluate import FinalModel

logger = logging.getLogger(__name__)


class Register(Stage):
    """Logs the best model on its trial's run, and registers it."""

    def run(self, context: SearchContext, findings: Findings) -> None:
        """Does nothing where no trial succeeded."""
        if findings.best is not None and findings.final is not None:
            with mlflow_may_be_away():
                _register(context, findings.best, findings.final)


def _register(context: SearchContext, best: TrialRecord, final: FinalModel) -> None:
    client, task = context.client, context.task
    before = find_champion(client, task.name)
    for name, value in final.metrics.items():
        client.log_metric(best.run_id, name, value)
    version = register(
        client,
        final,
        task=task.name,
        run_id=best.run_id,
        tags=VersionTags(
            search=context.search.name,
            metric=task.objective.metric,
            value=best.value,
            data=context.data.fingerprint,
            folds=context.search.folds,
            classes=context.data.classes,
        ),
    )
    logger.info(promote(client, version, task.objective, before))
