"""`Training`: one config trained and measured, on one split or on k folds in step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from tuneyard.datasets import Dataset
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.trainables.problem import Problem, Weights
from tuneyard.trainables.task import Loop, Task
from tuneyard.trainables.training.loop import start_loop

Reason = Literal["completed", "early_stopped", "diverged"]
"""Why a training ended by itself."""


@dataclass(frozen=True)
class Best:
    """The best epoch so far: its number (from 1), the objective's value and all metrics."""

    epoch: int
    value: float
    metrics: dict[str, float]


class Training:
    """The training of one config.

    With several folds one model a fold is trained in step, and every
    metric is their mean. The same arguments give the same weights, epoch for epoch, and each fold
    the weights that it would have alone.

    Args:
        task: What is trained.
        config: Its hyperparameters.
        folds: The data set, or its folds.
        seed: Of the weights, the dropout and the order of batches.
        device: Where; the CPU by default.

    Attributes:
        epoch: Epochs done.
        best: The best epoch so far; None before the first.
        ended: Why it ended; None as long as it can go on.
    """

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
        device = device or torch.device("cpu")
        self._loops = [start_loop(task, config, split, seed=seed, device=device) for split in folds]
        self.epoch = 0
        self.best: Best | None = None
        self.ended: Reason | None = None

    @property
    def problems(self) -> Sequence[Problem]:
        """What is trained: one problem, or one a fold."""
        return [loop.problem for loop in self._loops]

    def run_epoch(self) -> dict[str, float]:
        """Trains one epoch and measures it.

        Returns:
            ``train_loss`` and every metric of the validation split as ``val_<metric>``.
        """
        assert self.ended is None, "the training has ended"
        measured = [self._measure(loop) for loop in self._loops]
        # the one read of the epoch: every metric of every fold in one tensor
        values = torch.stack([torch.stack(list(metrics.values())) for metrics in measured]).tolist()
        folds = [dict(zip(measured[0], row, strict=True)) for row in values]
        mean = {name: sum(fold[name] for fold in folds) / len(folds) for name in folds[0]}
        for loop, metrics in zip(self._loops, folds, strict=True):
            loop.end_epoch(metrics)
        self.epoch += 1
        self._judge(mean)
        return mean

    def _measure(self, loop: Loop) -> dict[str, torch.Tensor]:
        train_loss = loop.train_epoch()
        metrics = loop.evaluate()
        return {"train_loss": train_loss} | {f"val_{name}": metrics[name] for name in metrics}

    def _judge(self, metrics: dict[str, float]) -> None:
        """Keeps the best epoch and says whether the training ends here."""
        value = metrics[self._objective.metric]
        # the training loss is from before the epoch's last step, and an accuracy is always finite
        judged = (metrics["train_loss"], metrics["val_loss"], value)
        if not all(math.isfinite(number) for number in judged):
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

    def best_weights(self) -> list[Weights]:
        """The weights of the best epoch so far, one `state_dict` a model."""
        return [loop.best_weights() for loop in self._loops]

    def change(self, config: TrainingSpace) -> None:
        """Goes on with another config's optimizer fields and penalties, as PBT asks."""
        for loop in self._loops:
            loop.change(config)
        self._config = config

    def state_dict(self) -> dict[str, Any]:
        """All that an exact continuation needs; tensors and plain values only."""
        return {
            "epoch": self.epoch,
            "ended": self.ended,
            "best": asdict(self.best) if self.best else None,
            "loops": [loop.state_dict() for loop in self._loops],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a `state_dict` of the same task and config, exactly on the CPU."""
        self.epoch = state["epoch"]
        self.ended = state["ended"]
        self.best = Best(**state["best"]) if state["best"] else None
        for loop, split in zip(self._loops, state["loops"], strict=True):
            loop.load_state_dict(split)
