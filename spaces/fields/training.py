"""`TrainingSpace`: what the training loop reads from every task's config."""

from __future__ import annotations

from tuneyard.spaces.fields.optimizers import SGD, Optimizer
from tuneyard.spaces.fields.regularization import L1, ClipNorm
from tuneyard.spaces.fields.schedules import Constant, Schedule
from tuneyard.spaces.language.space import SearchSpace


class TrainingSpace(SearchSpace):
    """Base of every task's space; a task gives its own defaults and fewer or other branches.

    Attributes:
        optimizer: Which optimizer, with its fields.
        schedule: How its learning rate changes over the epochs.
        l1: Weight of the L1 penalty; None means off.
        clip_norm: Largest norm of the gradients; None means no clipping.
        batch_size: Rows a step; None means all of them.
        epochs: Passes over the training part.
        patience: Epochs without a better objective after which the training ends; None means never.
    """

    optimizer: Optimizer = SGD()
    schedule: Schedule = Constant()
    l1: L1 = None
    clip_norm: ClipNorm = None
    batch_size: int | None = None
    epochs: int = 100
    patience: int | None = None
