"""Evaluate: the best trial's model, tested once, and kept as files in the search's folder."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import torch

from tuneyard.search.errors import SearchError
from tuneyard.search.models.registry import save
from tuneyard.search.stages.context import SearchContext
from tuneyard.search.stages.stage import Findings, Stage
from tuneyard.search.stages.tested import TestedModel, keep_tested, kept_tested
from tuneyard.search.storage.folder import MODEL
from tuneyard.search.trials.record import TrialRecord
from tuneyard.search.tune.resources import on_gpu
from tuneyard.spaces.code.errors import CodeError
from tuneyard.trainables.searchable import FinalModel
from tuneyard.trainables.training.sealed import DamagedError

logger = logging.getLogger(__name__)

NO_MODEL = (
    "call trial.keep(model=...) before the report, or define export(config, model), which returns "
    "a module and an example of its input"
)


class Evaluate(Stage):
    """Tests the best model: here, or where there is a GPU if trials took one."""

    doing = "testing the best model"

    def run(self, context: SearchContext, findings: Findings) -> None:
        """Adds the tested model, where a trial succeeded; a driver before may have tested it."""
        best = findings.best
        if best is None:
            return
        findings.tested = kept_tested(context.folder, best) or _tested(context, best)


def _tested(context: SearchContext, best: TrialRecord) -> TestedModel:
    try:
        final = _test(context, best)
    except CodeError as error:
        # the trials are worth more than the test that the user's own function failed in
        logger.warning("%sthe best model could not be tested: %s", error.details, error)
        final = FinalModel(None, None)
    except DamagedError as error:
        logger.warning(
            "the best model could not be tested: %s/%s is damaged (%s)",
            context.folder,
            best.checkpoint,
            error,
        )
        final = FinalModel(None, None)
    tested = TestedModel(best.number, best.best_epoch, dict(final.metrics), _saved(context, final))
    keep_tested(context.folder, tested)
    return tested


def _saved(context: SearchContext, final: FinalModel) -> bool:
    """Whether the model is in the search's folder, from where it is registered."""
    context.folder.delete(MODEL)
    if final.model is None:
        logger.info("no model is registered: %s", NO_MODEL)
        return False
    with tempfile.TemporaryDirectory(prefix="tuneyard-") as here:
        files = Path(here) / MODEL
        try:
            save(final, files)
        except SearchError as error:
            logger.warning("the best model is not registered: %s", error)
            return False
        context.folder.store(files, MODEL)
    return True


def _test(context: SearchContext, best: TrialRecord) -> FinalModel:
    task, data, folder, search = context.task, context.data, context.folder, context.search
    # only what the function needs travels to the node with the GPU
    config = search.task.space.space().unflatten(best.best_params)
    name, epochs = str(best.checkpoint), best.best_epoch
    folds, seed, resources = search.folds, search.spec.seed, search.resources

    def test(device: torch.device) -> FinalModel:
        with folder.fetched(name) as checkpoint:
            return task.finish(
                config,
                data,
                checkpoint=checkpoint,
                folds=folds,
                epochs=epochs,
                seed=seed,
                device=device,
            )

    if resources.gpus:
        return on_gpu(test, resources, context.code)
    return test(torch.device("cpu"))
