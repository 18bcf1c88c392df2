"""Hyperparameters of the linear regression."""

from __future__ import annotations

from typing import Annotated

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.optimizers import SGD, Optimizer
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Int
from tuneyard.spaces.objective import Objective


class LinearRegressionSpace(TrainingSpace):
    """Linear regression by a single weight and bias, with any of nine optimizers.

    Each step uses the full batch. Baseline, from the course: SGD 0.01, 100 epochs.
    """

    optimizer: Optimizer = SGD(lr=1e-2)
    epochs: Annotated[int, Int(1, 1000, log=True)] = 100


DESCRIPTION = TaskDescription(
    name="linear-regression",
    space=LinearRegressionSpace,
    objective=Objective("val_loss", "min"),
    module="tuneyard.trainables.tasks.linear_regression",
    data=("course", "noisy"),
    course_result="w = 2.00, b = 0.00 after 10,000 epochs",
)
