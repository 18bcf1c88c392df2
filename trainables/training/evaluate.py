"""The best config's model, tested once: the only reader of a test split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tuneyard.datasets import Dataset
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.trainables.problem import Problem
from tuneyard.trainables.task import Task
from tuneyard.trainables.training.checkpoint import load_weights
from tuneyard.trainables.training.loop import start_loop


@dataclass(frozen=True)
class FinalModel:
    """A model ready to serve.

    Attributes:
        module: From raw input to an answer in natural units, on the CPU.
        example: An example of its input.
        metrics: ``test_<metric>`` on the test split.
    """

    module: nn.Module
    example: np.ndarray
    metrics: dict[str, float]


def finish(
    task: Task[TrainingSpace],
    config: TrainingSpace,
    data: Dataset,
    *,
    checkpoint: Path,
    folds: int,
    epochs: int,
    seed: int,
    device: torch.device,
) -> FinalModel:
    """Tests the best config's model once.

    Without folds that model is the one of the checkpoint. With folds there are k of them, each of
    them trained without one fold, so the config is trained once more on all that is not test, for
    as many epochs as were best on the folds.

    Args:
        task: The task.
        config: The best config.
        data: The whole data set.
        checkpoint: Folder of the best trial's checkpoint.
        folds: How many folds ranked the trials; 1 for one split.
        epochs: The best trial's best epoch.
        seed: As in the trials.
        device: Where it is trained and tested.
    """
    if folds > 1:
        problem = refit(task, config, data, epochs=epochs, seed=seed, device=device)
    else:
        problem = task.problem(config, data, device)
        problem.model.load_state_dict(load_weights(checkpoint, device)[0])
    problem.model.eval()
    with torch.no_grad():
        metrics = problem.evaluate(problem.tensors("test"))
    measured = {f"test_{name}": float(value) for name, value in metrics.items()}
    module, example = problem.export()
    return FinalModel(module, example, measured)


def refit(
    task: Task[TrainingSpace],
    config: TrainingSpace,
    data: Dataset,
    *,
    epochs: int,
    seed: int,
    device: torch.device,
) -> Problem:
    """Trains a config on the train and validation splits together for a number of epochs."""
    loop = start_loop(task, config, data.pooled(), seed=seed, device=device)
    for _ in range(epochs):
        loop.train_epoch()
        # nothing is held out: a schedule that watches the objective watches it on what is trained
        metrics = loop.evaluate("train")
        loop.end_epoch({f"val_{name}": float(value) for name, value in metrics.items()})
    return loop.problem
