"""`Training`: trains and evaluates one config, on one validation split or on k folds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from tuneyard.datasets import Dataset
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.trainables.problem import Problem
from tuneyard.trainables.searchable import Best, EndReason, State
from tuneyard.trainables.task import Loop, Task
from tuneyard.trainables.training.loop import start_loop


class Training:
    """The training of one config.

    With several folds, one model per fold is trained, all of them epoch by epoch, and every metric
    is the mean over the folds. The same arguments give the same weights after each epoch, and a
    fold's model gets the weights that it would get if it were trained alone.

    Args:
        task: The task.
        config: The hyperparameters.
        folds: The folds of the data set, or the data set itself as the only item.
        seed: The seed of the initial weights, the dropout and the order of the batches.
        device: The device to train on; the CPU by default.

    Attributes:
        device: The device that it trains on.
        epoch: The number of epochs trained so far.
        best: The best epoch so far; None before the first.
        ended: Why the training ended; None as long as it can continue.
        folders: None: everything is in its `state_dict`.
    """

    folders: Mapping[str, Path] = {}

    def __init__(
        self,
        task: Task[TrainingSpace],
        config: TrainingSpace,
        folds: Sequence[Dataset],
        *,
        seed: int,
        device: torch.device | None = None,
    ) -> None:
        self._config = config
        self._objective = task.objective
        self.device = device or torch.device("cpu")
        self._loops = [
            start_loop(task, config, fold, seed=seed, device=self.device) for fold in folds
        ]
        self.epoch = 0
        self.best: Best | None = None
        self.ended: EndReason | None = None

    @property
    def problems(self) -> Sequence[Problem]:
        """The problems that are trained, one per fold."""
        return [loop.problem for loop in self._loops]

    def run_epoch(self) -> dict[str, float]:
        """Trains for one epoch and evaluates the result.

        Returns:
            ``train_loss`` and every metric of the val split, as ``val_<metric>``.
        """
        assert self.ended is None, "the training has ended"
        measured = [self._measure(loop) for loop in self._loops]
        # the only transfer to the host in an epoch: every metric of every fold in one tensor
        values = torch.stack([torch.stack(list(metrics.values())) for metrics in measured]).tolist()
        folds = [dict(zip(measured[0], row, strict=True)) for row in values]
        mean = {name: sum(fold[name] for fold in folds) / len(folds) for name in folds[0]}
        for loop, metrics in zip(self._loops, folds, strict=True):
            loop.end_epoch(metrics)
        self.epoch += 1
        self._update_best(mean)
        return mean

    def _measure(self, loop: Loop) -> dict[str, torch.Tensor]:
        train_loss = loop.train_epoch()
        metrics = loop.evaluate()
        return {"train_loss": train_loss} | {f"val_{name}": metrics[name] for name in metrics}

    def _update_best(self, metrics: dict[str, float]) -> None:
        """Updates the best epoch and decides whether the training ends."""
        value = metrics[self._objective.metric]
        # all three: the training loss is older than the last step, and an accuracy is always finite
        checked = (metrics["train_loss"], metrics["val_loss"], value)
        if not all(math.isfinite(number) for number in checked):
            self.ended = "diverged"
            return
        if self._objective.better(value, self.best.value if self.best else None):
            self.best = Best(self.epoch, value, metrics)
            for loop in self._loops:
                loop.keep_best()
        assert self.best is not None
        patience = self._config.patience
        if self.epoch >= self._config.epochs:
            self.ended = "completed"
        elif patience is not None and self.epoch - self.best.epoch >= patience:
            self.ended = "early_stopped"

    def best_weights(self) -> list[State]:
        """The weights of the best epoch so far, one `state_dict` per model."""
        return [loop.best_weights() for loop in self._loops]

    def change(self, config: TrainingSpace) -> None:
        """Continues with another config's optimizer hyperparameters and penalties, for PBT."""
        for loop in self._loops:
            loop.change(config)
        self._config = config

    def state_dict(self) -> State:
        """Everything that an exact continuation needs, as tensors and plain values only."""
        return {
            "epoch": self.epoch,
            "ended": self.ended,
            "best": asdict(self.best) if self.best else None,
            "loops": [loop.state_dict() for loop in self._loops],
        }

    def load_state_dict(self, state: State) -> None:
        """Continues from a `state_dict` of the same task and config; on the CPU this is exact."""
        self.epoch = state["epoch"]
        self.ended = state["ended"]
        self.best = Best(**state["best"]) if state["best"] else None
        for loop, loop_state in zip(self._loops, state["loops"], strict=True):
            loop.load_state_dict(loop_state)

    def take_artifacts(self) -> Mapping[str, bytes]:
        """No files: this loop logs none."""
        return {}

    def close(self) -> None:
        """Does nothing: nothing of it goes on by itself."""
