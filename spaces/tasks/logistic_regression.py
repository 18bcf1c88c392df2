"""Hyperparameters of the logistic regression on hours of study."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.optimizers import LBFGS, SGD, Adam, RMSprop
from tuneyard.spaces.fields.schedules import Constant, Cosine
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Float
from tuneyard.spaces.objective import Objective


class LogisticSGD(SGD):
    """SGD with larger learning rates, since the loss is flat where predictions are correct."""

    lr: Annotated[float, Float(1e-3, 10.0, log=True)] = 1e-2


class LogisticRegressionSpace(TrainingSpace):
    """Prediction from the hours of study whether an exam is passed, by logistic regression.

    Each step uses the full batch. Baseline, from the course: SGD 0.01, 1,000 epochs. The course
    minimizes the sum of the losses of its three points, while here it is their mean, so that a
    learning rate of 0.03 reproduces the steps of the course.
    """

    optimizer: Annotated[LogisticSGD | Adam | RMSprop | LBFGS, Field(discriminator="kind")] = (
        LogisticSGD()
    )
    schedule: Annotated[Constant | Cosine, Field(discriminator="kind")] = Constant()
    epochs: int = 1000


DESCRIPTION = TaskDescription(
    name="logistic-regression",
    space=LogisticRegressionSpace,
    objective=Objective("val_loss", "min"),
    module="tuneyard.trainables.tasks.logistic_regression",
    data=("course", "noisy"),
)
