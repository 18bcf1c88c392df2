"""`TrainingSpace`: the hyperparameters of every task, which the training loop uses."""

from __future__ import annotations

from tuneyard.spaces.fields.optimizers import SGD, Optimizer
from tuneyard.spaces.fields.regularization import L1, ClipNorm
from tuneyard.spaces.fields.schedules import Constant, Schedule
from tuneyard.spaces.language.space import SearchSpace


class TrainingSpace(SearchSpace):
    """The base of every task's space; a task may restrict or replace fields and set defaults.

    Attributes:
        optimizer: Kind and hyperparameters of the optimizer.
        schedule: Learning-rate schedule.
        l1: Weight of the L1 penalty; None means no penalty.
        clip_norm: Maximum norm of the gradients; None means no clipping.
        batch_size: Rows per step; None means all of them.
        epochs: Number of passes over the train split.
        patience: Epochs without a better objective after which training ends early; None means that
            it never does.
    """

    optimizer: Optimizer = SGD()
    schedule: Schedule = Constant()
    l1: L1 = None
    clip_norm: ClipNorm = None
    batch_size: int | None = None
    epochs: int = 100
    patience: int | None = None
