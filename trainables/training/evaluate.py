"""The final evaluation of the best config: the only code that reads a test split."""

from __future__ import annotations

from pathlib import Path

import torch

from tuneyard.datasets import Dataset
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.trainables.problem import Problem
from tuneyard.trainables.searchable import FinalModel
from tuneyard.trainables.task import Task
from tuneyard.trainables.training.checkpoint import load_weights
from tuneyard.trainables.training.loop import start_loop


def evaluate_and_export(
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
    """Evaluates the best config's model on the test split, once, and exports it.

    Without folds, the model is the one of the checkpoint. With k folds there are k models, each
    trained without one fold, so the config is trained once more on the train and val splits
    together, for the number of epochs that was best on the folds.

    Args:
        task: The task.
        config: The best config.
        data: The whole data set.
        checkpoint: The folder of the best trial's checkpoint.
        folds: The number of folds that ranked the trials; 1 means one validation split.
        epochs: The best trial's best epoch.
        seed: The seed of the trials.
        device: The device to train and evaluate on.
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
    """Trains a config on the train and val splits together for a number of epochs."""
    loop = start_loop(task, config, data.pooled(), seed=seed, device=device)
    for _ in range(epochs):
        loop.train_epoch()
        # no data is held out, so a schedule that watches the objective sees it on the training data
        metrics = loop.evaluate("train")
        loop.end_epoch({f"val_{name}": float(value) for name, value in metrics.items()})
    return loop.problem
