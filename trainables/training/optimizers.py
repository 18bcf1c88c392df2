"""Builds torch's optimizer and learning-rate schedule from their configs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any  # Any: torch's optimizers take options of every type

from torch import nn, optim
from torch.optim import lr_scheduler

from tuneyard.spaces.fields import optimizers as spaces
from tuneyard.spaces.fields import schedules
from tuneyard.spaces.fields.optimizers import Optimizer
from tuneyard.spaces.fields.schedules import Schedule


def build_optimizer(
    config: Optimizer,
    parameters: Iterable[nn.Parameter],
    *,
    fused: bool,
    learning_rate_multipliers: Mapping[nn.Parameter, float] | None = None,
) -> optim.Optimizer:
    """Builds the optimizer of a config.

    Args:
        config: The optimizer's kind and hyperparameters.
        parameters: The trainable parameters.
        fused: Whether to use one kernel for the whole step, where torch has one (SGD, Adam, AdamW,
            Adagrad).
        learning_rate_multipliers: A factor on the learning rate of some parameters; 1 for the
            others.
    """
    fields = hyperparameters(config)
    multipliers = learning_rate_multipliers or {}
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter in parameters:
        groups.setdefault(multipliers.get(parameter, 1.0), []).append(parameter)
    params = [
        {"params": group, "lr": multiplier * fields["lr"]} for multiplier, group in groups.items()
    ]
    match config:
        case spaces.SGD():
            return optim.SGD(params, **fields, fused=fused)
        case spaces.Adam():
            return optim.Adam(params, **fields, fused=fused)
        case spaces.AdamW():
            return optim.AdamW(params, **fields, fused=fused)
        case spaces.Adamax():
            return optim.Adamax(params, **fields)
        case spaces.Adagrad():
            return optim.Adagrad(params, **fields, fused=fused)
        case spaces.ASGD():
            return optim.ASGD(params, **fields)
        case spaces.RMSprop():
            return optim.RMSprop(params, **fields)
        case spaces.Rprop():
            return optim.Rprop(params, **fields)
        case spaces.LBFGS():
            return optim.LBFGS(params, **fields)


def hyperparameters(config: Optimizer) -> dict[str, Any]:
    """The keyword arguments of torch's optimizer, which are also the keys of a parameter group."""
    fields = config.model_dump(exclude={"kind"})
    if "weight_decay" in fields:
        fields["weight_decay"] = fields["weight_decay"] or 0.0
    match config:
        case spaces.SGD():
            # torch rejects Nesterov without momentum, where it makes no difference
            fields["nesterov"] = config.nesterov and config.momentum > 0
        case spaces.Adam() | spaces.AdamW() | spaces.Adamax():
            fields["betas"] = (fields.pop("beta1"), 0.999)
        case spaces.Rprop():
            fields["etas"] = (fields.pop("eta_minus"), fields.pop("eta_plus"))
        case spaces.LBFGS():
            line_search = fields.pop("line_search")
            fields["line_search_fn"] = None if line_search == "none" else line_search
        case _:
            pass
    return fields


def build_schedule(
    config: Schedule, optimizer: optim.Optimizer, epochs: int, mode: str
) -> lr_scheduler.LRScheduler | None:
    """Builds the schedule of a config, stepped once per epoch; None for a constant learning rate.

    Args:
        config: The schedule's kind and fields.
        optimizer: The optimizer whose learning rate it changes.
        epochs: The number of epochs of the training.
        mode: The objective's direction, for ReduceOnPlateau.
    """
    match config:
        case schedules.Constant():
            return None
        case schedules.Step():
            size = max(1, round(config.fraction * epochs))
            return lr_scheduler.StepLR(optimizer, size, config.gamma)
        case schedules.ReduceOnPlateau():
            return lr_scheduler.ReduceLROnPlateau(
                optimizer, "max" if mode == "max" else "min", config.factor, config.patience
            )
        case schedules.Cosine():
            # torch takes a single minimum for all parameter groups
            lowest = config.final * optimizer.param_groups[0]["lr"]
            return lr_scheduler.CosineAnnealingLR(optimizer, epochs, lowest)
        case schedules.OneCycle():
            return lr_scheduler.OneCycleLR(
                optimizer,
                max_lr=[group["lr"] for group in optimizer.param_groups],
                # one step after each epoch, the last one included
                total_steps=epochs + 1,
                # torch puts the peak at step pct_start * total_steps - 1, which must not be step 0
                pct_start=(config.warmup * epochs + 1) / (epochs + 1),
                cycle_momentum=False,
            )
