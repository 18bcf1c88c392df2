"""`Descent`: one optimizer with its schedule over some parameters, restored and changed exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn, optim

from tuneyard.spaces.fields.optimizers import Optimizer
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.training.optimizers import build_optimizer, build_schedule, hyperparameters


class Descent:
    """An optimizer and its schedule; the gradients come from whoever steps.

    Args:
        parameters: What it moves.
        optimizer: Of them.
        config: Schedule, epochs and clipping.
        objective: What ReduceOnPlateau watches.
        rates: What the learning rate is multiplied by for a parameter; 1 where it is not named.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        optimizer: Optimizer,
        config: TrainingSpace,
        objective: Objective,
        rates: Mapping[nn.Parameter, float] | None = None,
    ) -> None:
        self.parameters = list(parameters)
        self._fields = optimizer
        self._metric = objective.metric
        # fused beats a loop over the parameters on the CPU as well: benchmarks/epochs.py
        self.optimizer = build_optimizer(optimizer, self.parameters, fused=True, rates=rates)
        self._schedule = build_schedule(
            config.schedule, self.optimizer, config.epochs, objective.mode
        )

    def gradients(self, loss: Tensor, *, l1: float | None, clip_norm: float | None) -> Tensor:
        """Leaves the gradients of a loss with its penalties at the parameters.

        Returns:
            The loss with its penalties.
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
        """Moves the schedule on."""
        if isinstance(self._schedule, optim.lr_scheduler.ReduceLROnPlateau):
            self._schedule.step(metrics[self._metric])
        elif self._schedule is not None:
            self._schedule.step()

    def change(self, optimizer: Optimizer) -> None:
        """Goes on with other fields of the same kind of optimizer.

        A learning rate that the schedule has brought down starts from the new one in the same
        proportion.
        """
        fields = hyperparameters(optimizer)
        factor = fields["lr"] / hyperparameters(self._fields)["lr"]
        for group in self.optimizer.param_groups:
            rates = {key: group[key] * factor for key in _RATES if key in group}
            group.update(fields | rates)
        if isinstance(self.optimizer, optim.RMSprop):
            for parameter, state in self.optimizer.state.items():
                # torch makes these at the first step, where momentum and centering are on
                for name in ("momentum_buffer", "grad_avg"):
                    state.setdefault(name, torch.zeros_like(parameter))
        if isinstance(self._schedule, optim.lr_scheduler.CosineAnnealingLR):
            self._schedule.eta_min *= factor
        self._fields = optimizer

    def state_dict(self) -> dict[str, Any]:
        """All that an exact continuation needs; tensors and plain values only."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "schedule": self._schedule.state_dict() if self._schedule else None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a `state_dict` of the same config."""
        self.optimizer.load_state_dict(state["optimizer"])
        if self._schedule:
            self._schedule.load_state_dict(state["schedule"])


_RATES = ("lr", "initial_lr", "max_lr", "min_lr")
