"""Register: the best model in MLflow's registry, and champion if it beats the one before."""

from __future__ import annotations

import logging

from tuneyard.search.errors import SearchError
from tuneyard.search.models.champions import find_champion
from tuneyard.search.models.registry import promote, register
from tuneyard.search.stages.context import SearchContext
from tuneyard.search.stages.stage import Findings, Stage
from tuneyard.search.tracking.client import mlflow_may_be_away
from tuneyard.search.tracking.tags import VersionTags
from tuneyard.search.trials.record import TrialRecord
from tuneyard.trainables.searchable import FinalModel

logger = logging.getLogger(__name__)

NO_MODEL = (
    "call trial.keep(model=...) before the report, or define export(config, model), which returns "
    "a module and an example of its input"
)


class Register(Stage):
    """Logs the best model on its trial's run, and registers it."""

    def run(self, context: SearchContext, findings: Findings) -> None:
        """Does nothing where no trial succeeded."""
        if findings.best is None or findings.final is None:
            return
        with mlflow_may_be_away():
            for name, value in findings.final.metrics.items():
                context.client.log_metric(findings.best.run_id, name, value)
            if findings.final.model is None:
                logger.info("no model is registered: %s", NO_MODEL)
                return
            try:
                _register(context, findings.best, findings.final)
            except SearchError as error:
                logger.warning("the best model is not registered: %s", error)


def _register(context: SearchContext, best: TrialRecord, final: FinalModel) -> None:
    client, task = context.client, context.search.task
    before = find_champion(client, task.name)
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
