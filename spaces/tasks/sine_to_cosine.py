"""Hyperparameters of the network that follows a cosine from its sine."""

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
"""A decade around the course's: some hundred steps have to do."""


class SineAdam(Adam):
    """Adam around the course's learning rate."""

    lr: LearningRate = 2e-2


class SineAdamW(AdamW):
    """AdamW around the course's learning rate."""

    lr: LearningRate = 2e-2


class SineRMSprop(RMSprop):
    """RMSprop around the course's learning rate."""

    lr: LearningRate = 2e-2


class SineToCosineSpace(TrainingSpace):
    """cos(x) from sin(x), sample by sample, by a recurrent network that keeps its state.

    Baseline: the course's RNN of 32 units, windows of 10 samples, Adam 0.02, 100 steps: 20 epochs
    of 5 windows, each epoch from a state of zeros.

    Attributes:
        time_step: Samples in a window, which is one step of the optimizer; the gradient ends at its
            start, the state goes on from the window before.
        cell: Kind of recurrent layer.
        hidden_size: Units of a layer.
        num_layers: Layers.
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
