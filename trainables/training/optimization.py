"""`Optimization`: an optimizer and its learning-rate schedule, restored and changed exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any  # Any: a `state_dict` holds anything

import torch
from torch import Tensor, nn, optim

from tuneyard.spaces.fields.optimizers import Optimizer
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.training.optimizers import build_optimizer, build_schedule, hyperparameters


class Optimization:
    """An optimizer and its learning-rate schedule over some parameters.

    The training loop calls `backward` and then steps the `optimizer` itself.

    Args:
        parameters: The trainable parameters.
        optimizer: The optimizer's kind and hyperparameters.
        config: The config that names the schedule and the number of epochs.
        objective: The metric, with its direction, that ReduceOnPlateau watches.
        learning_rate_multipliers: A factor on the learning rate of some parameters; 1 for the
            others.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        optimizer: Optimizer,
        config: TrainingSpace,
        objective: Objective,
        learning_rate_multipliers: Mapping[nn.Parameter, float] | None = None,
    ) -> None:
        self.parameters = list(parameters)
        self._fields = optimizer
        self._metric = objective.metric
        # fused is faster than a loop over the parameters, on the CPU too: benchmarks/epochs.py
        self.optimizer = build_optimizer(
            optimizer,
            self.parameters,
            fused=True,
            learning_rate_multipliers=learning_rate_multipliers,
        )
        self._schedule = build_schedule(
            config.schedule, self.optimizer, config.epochs, objective.mode
        )

    def backward(self, loss: Tensor, *, l1: float | None, clip_norm: float | None) -> Tensor:
        """Computes the gradients of the loss with its L1 penalty, and clips their norm.

        The gradients replace those of the step before.

        Returns:
            The loss with its penalty, a scalar on the device.
        """
        self.optimizer.zero_grad(set_to_none=True)
        penalized = loss
        if l1 is not None:
            penalized = loss + l1 * sum(p.abs().sum() for p in self.parameters)
        penalized.backward(inputs=self.parameters)
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(self.parameters, clip_norm)
        return penalized.detach()

    def end_epoch(self, metrics: dict[str, float]) -> None:
        """Advances the schedule by one epoch.

        Args:
            metrics: The metrics of the epoch that ended, by name.
        """
        if isinstance(self._schedule, optim.lr_scheduler.ReduceLROnPlateau):
            self._schedule.step(metrics[self._metric])
        elif self._schedule is not None:
            self._schedule.step()

    def change(self, optimizer: Optimizer) -> None:
        """Continues with other hyperparameters of the same kind of optimizer.

        The schedule keeps its position: where it has reduced the learning rate to some fraction of
        the old one, training continues at the same fraction of the new one.
        """
        fields = hyperparameters(optimizer)
        factor = fields["lr"] / hyperparameters(self._fields)["lr"]
        for group in self.optimizer.param_groups:
            scaled = {key: group[key] * factor for key in _LEARNING_RATES if key in group}
            group.update(fields | scaled)
        if isinstance(self.optimizer, optim.RMSprop):
            for parameter, state in self.optimizer.state.items():
                # torch creates these buffers at the first step, and only if the option is on then
                for name in ("momentum_buffer", "grad_avg"):
                    state.setdefault(name, torch.zeros_like(parameter))
        if isinstance(self._schedule, optim.lr_scheduler.CosineAnnealingLR):
            self._schedule.eta_min *= factor
        self._fields = optimizer

    def state_dict(self) -> dict[str, Any]:
        """Everything that an exact continuation needs, as tensors and plain values only."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "schedule": self._schedule.state_dict() if self._schedule else None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from a `state_dict` of the same config."""
        self.optimizer.load_state_dict(state["optimizer"])
        if self._schedule:
            self._schedule.load_state_dict(state["schedule"])


_LEARNING_RATES = ("lr", "initial_lr", "max_lr", "min_lr")
