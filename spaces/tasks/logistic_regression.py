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
    """Gradient descent on a loss that is flat where the answer is right."""

    lr: Annotated[float, Float(1e-3, 10.0, log=True)] = 1e-2


class LogisticRegressionSpace(TrainingSpace):
    """Whether an exam is passed, from the hours of study, on the full batch.

    Baseline: the course's SGD 0.01, 1,000 epochs. The course adds up the loss of its three points,
    here it is their mean: a learning rate of 0.03 makes the course's steps.
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
