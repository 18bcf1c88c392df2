"""Evaluate: the best trial's model, tested once."""

from __future__ import annotations

import logging

import torch

from tuneyard.search.stages.context import SearchContext
from tuneyard.search.stages.stage import Findings, Stage
from tuneyard.search.trials.record import TrialRecord
from tuneyard.search.tune.resources import on_gpu
from tuneyard.spaces.code.errors import CodeError
from tuneyard.trainables.searchable import FinalModel

logger = logging.getLogger(__name__)


class Evaluate(Stage):
    """Tests the best model: here, or where there is a GPU if trials took one."""

    def run(self, context: SearchContext, findings: Findings) -> None:
        """Adds the final model, where a trial succeeded."""
        if findings.best is None:
            return
        try:
            findings.final = _test(context, findings.best)
        except CodeError as error:
            # the trials are worth more than the test that the user's own function failed in
            logger.warning("%sthe best model could not be tested: %s", error.details, error)
            findings.final = FinalModel(None, None)


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
