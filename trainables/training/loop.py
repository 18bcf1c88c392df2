"""`EpochLoop`: trains one model epoch by epoch on data that stays on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any  # Any: a `state_dict` holds anything

import torch
from torch import Tensor, optim

from tuneyard.datasets import Dataset, Split
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.problem import Batch, Metrics, Problem, Weights
from tuneyard.trainables.task import Loop, Task
from tuneyard.trainables.training.optimization import Optimization


class EpochLoop:
    """The training of one model; no value is read back to the host within an epoch.

    Args:
        problem: The tensors and a fresh model.
        config: The optimizer, the schedule, the penalties and the batch size.
        objective: The metric, with its direction, that ReduceOnPlateau watches.
        seed: The seed of the order of the batches. The model's own random numbers, e.g. for
            dropout, continue from the present state of torch's global generators, whatever else
            draws from those later.
    """

    def __init__(
        self, problem: Problem, config: TrainingSpace, objective: Objective, seed: int
    ) -> None:
        self.problem = problem
        self._config = config
        self._order = torch.Generator().manual_seed(seed)
        self._on_gpu = problem.device.type == "cuda"
        self._optimization = Optimization(
            problem.trainable_parameters(),
            config.optimizer,
            config,
            objective,
            problem.learning_rate_multipliers(),
        )
        self._best: Weights | None = None
        self._random = _random_state(problem.device)

    def train_epoch(self) -> Tensor:
        """Trains for one pass over the training split.

        Returns:
            The mean training loss without penalties, a scalar on the device.
        """
        _set_random_state(self._random, self.problem.device)
        self.problem.model.train()
        total = torch.zeros((), device=self.problem.device)
        count = 0
        for batch in self.problem.batches(self._config.batch_size, self._order):
            rows = len(next(iter(batch.values())))
            total += rows * self._step(batch)
            count += rows
        self._random = _random_state(self.problem.device)
        return total / count

    def _step(self, batch: Batch) -> Tensor:
        """Takes one optimizer step; returns the loss of the batch."""
        if isinstance(self._optimization.optimizer, optim.LBFGS):
            losses: list[Tensor] = []

            def closure() -> Tensor:
                loss, penalized = self._backward(batch)
                losses.append(loss)
                # a line search needs the value of the same function as the gradients
                return penalized

            self._optimization.optimizer.step(closure)
            return losses[0]
        loss, _ = self._backward(batch)
        self._optimization.optimizer.step()
        return loss

    def _backward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Computes the gradients; returns the loss without and with its penalty."""
        with torch.autocast(self.problem.device.type, torch.bfloat16, enabled=self._on_gpu):
            loss = self.problem.loss(batch)
        penalized = self._optimization.backward(
            loss, l1=self._config.l1, clip_norm=self._config.clip_norm
        )
        return loss.detach(), penalized

    @torch.no_grad()
    def evaluate(self, split: Split = "val") -> Metrics:
        """The metrics of one split, as scalars on the device."""
        self.problem.model.eval()
        return self.problem.evaluate(self.problem.tensors(split))

    def end_epoch(self, metrics: dict[str, float]) -> None:
        """Advances the schedule, given this model's metrics of the epoch that ended."""
        self._optimization.end_epoch(metrics)

    def keep_best(self) -> None:
        """Keeps a copy of the current weights as the best so far."""
        weights = self.problem.model.state_dict()
        if self._best is None:
            self._best = _copy(weights)
        else:
            for name, tensor in weights.items():
                self._best[name].copy_(tensor)

    def best_weights(self) -> Weights:
        """The weights of the best epoch so far; the current ones if no epoch has ended."""
        return self._best if self._best is not None else self.problem.model.state_dict()

    def change(self, config: TrainingSpace) -> None:
        """Continues with another config's optimizer hyperparameters and penalties, for PBT.

        The kind of optimizer, the schedule and the model do not change.
        """
        self._optimization.change(config.optimizer)
        self._config = config

    def state_dict(self) -> dict[str, Any]:
        """Everything that an exact continuation needs, as tensors and plain values only."""
        return {
            "model": self.problem.model.state_dict(),
            "best": self._best,
            **self._optimization.state_dict(),
            "order": self._order.get_state(),
            "random": self._random,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from a `state_dict` of the same config."""
        self.problem.model.load_state_dict(state["model"])
        self._best = None if state["best"] is None else _copy(state["best"])
        self._optimization.load_state_dict(state)
        self._order.set_state(state["order"].cpu())
        self._random = [generator.cpu() for generator in state["random"]]


def start_loop(
    task: Task[TrainingSpace],
    config: TrainingSpace,
    data: Dataset,
    *,
    seed: int,
    device: torch.device,
) -> Loop:
    """Starts the training of a fresh model; `seed` sets its weights, dropout and batch order."""
    torch.manual_seed(seed)
    loop = task.loop or EpochLoop
    return loop(task.problem(config, data, device), config, task.objective, seed)


def _copy(weights: Mapping[str, Tensor]) -> Weights:
    return {name: tensor.detach().clone() for name, tensor in weights.items()}


def _random_state(device: torch.device) -> list[Tensor]:
    """The states of torch's global generators that a model on the device draws from."""
    on_gpu = device.type == "cuda"
    return [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if on_gpu else [])]


def _set_random_state(states: list[Tensor], device: torch.device) -> None:
    torch.set_rng_state(states[0])
    for state in states[1:]:
        torch.cuda.set_rng_state(state, device)
