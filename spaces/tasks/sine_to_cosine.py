"""Hyperparameters of the network that predicts a cosine from the sine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.optimizers import Adam, AdamW, RMSprop
from tuneyard.spaces.fields.schedules import Constant, Cosine
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Float, Int
from tuneyard.spaces.objective import Objective

LearningRate = Annotated[float, Float(1e-3, 1e-1, log=True)]
"""Around the course's learning rate, since there are only about a hundred steps."""


class SineAdam(Adam):
    """Adam with learning rates around the course's."""

    lr: LearningRate = 2e-2


class SineAdamW(AdamW):
    """AdamW with learning rates around the course's."""

    lr: LearningRate = 2e-2


class SineRMSprop(RMSprop):
    """RMSprop with learning rates around the course's."""

    lr: LearningRate = 2e-2


class SineToCosineSpace(TrainingSpace):
    """Prediction of cos(x) from sin(x), sample by sample, by a recurrent network.

    Baseline, from the course: an RNN of 32 units, windows of 10 samples, Adam 0.02, 100 steps, here
    20 epochs of 5 windows; each epoch starts from a state of zeros.

    Attributes:
        time_step: Samples per window, i.e. per optimizer step. The state continues from the
            previous window, but the gradient stops at the start of the window.
        cell: Kind of recurrent layer.
        hidden_size: Units per layer.
        num_layers: Number of layers.
    """

    time_step: Annotated[int, Int(2, 50, log=True)] = 10
    cell: Literal["rnn", "gru", "lstm"] = "rnn"
    hidden_size: Annotated[int, Int(8, 64, log=True)] = 32
    num_layers: Annotated[int, Int(1, 2)] = 1
    optimizer: Annotated[SineAdam | SineAdamW | SineRMSprop, Field(discriminator="kind")] = (
        SineAdam()
    )
    schedule: Annotated[Constant | Cosine, Field(discriminator="kind")] = Constant()
    epochs: int = 20


DESCRIPTION = TaskDescription(
    name="sine-to-cosine",
    space=SineToCosineSpace,
    objective=Objective("val_loss", "min"),
    module="tuneyard.trainables.tasks.sine_to_cosine",
)
