"""Hyperparameters of the network that forecasts a sine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.optimizers import Adam, AdamW, RMSprop
from tuneyard.spaces.fields.schedules import Constant, Cosine
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Float, Int
from tuneyard.spaces.objective import Objective

LearningRate = Annotated[float, Float(1e-3, 5e-2, log=True)]
"""Around the course's: above, free running goes astray."""


class ForecastAdam(Adam):
    """Adam around the course's learning rate."""

    lr: LearningRate = 1e-2


class ForecastAdamW(AdamW):
    """AdamW around the course's learning rate."""

    lr: LearningRate = 1e-2


class ForecastRMSprop(RMSprop):
    """RMSprop around the course's learning rate."""

    lr: LearningRate = 1e-2


class SineForecastSpace(TrainingSpace):
    """The next value of a sine, and from its own forecasts the values after it.

    Baseline: the course's RNN of 16 units with weights from N(0, 0.001), Adam 1e-2, 6,000 pieces of
    a sine: 60 epochs of 100. The course takes them one a step and carries the state from one phase
    into another; here they come in batches of ten, each from a state of zeros.

    Attributes:
        cell: Kind of recurrent layer.
        hidden_size: Units of a layer.
        num_layers: Layers.
        init_std: Standard deviation of the recurrent layers' first weights and biases; None means
            torch's own way, uniform in 1 / sqrt(hidden_size).
    """

    cell: Literal["rnn", "gru", "lstm"] = "rnn"
    hidden_size: Annotated[int, Int(4, 64, log=True)] = 16
    num_layers: Annotated[int, Int(1, 2)] = 1
    init_std: Annotated[float, Float(1e-3, 0.5, log=True)] | None = 1e-3
    optimizer: Annotated[
        ForecastAdam | ForecastAdamW | ForecastRMSprop, Field(discriminator="kind")
    ] = ForecastAdam()
    schedule: Annotated[Constant | Cosine, Field(discriminator="kind")] = Constant()
    batch_size: Literal[5, 10, 20] = 10
    epochs: int = 60


DESCRIPTION = TaskDescription(
    name="sine-forecast",
    space=SineForecastSpace,
    objective=Objective("val_free_run_mse", "min"),
    module="tuneyard.trainables.tasks.sine_forecast",
)
