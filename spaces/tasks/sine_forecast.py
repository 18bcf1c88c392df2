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
"""Around the course's learning rate; with larger ones, free runs diverge."""


class ForecastAdam(Adam):
    """Adam with learning rates around the course's."""

    lr: LearningRate = 1e-2


class ForecastAdamW(AdamW):
    """AdamW with learning rates around the course's."""

    lr: LearningRate = 1e-2


class ForecastRMSprop(RMSprop):
    """RMSprop with learning rates around the course's."""

    lr: LearningRate = 1e-2


class SineForecastSpace(TrainingSpace):
    """Forecast of a sine by a recurrent network that continues from its own forecasts.

    Baseline, from the course: an RNN of 16 units with initial weights from N(0, 0.001), Adam 1e-2,
    6,000 segments of a sine, here 60 epochs of 100. The course uses one segment per step and keeps
    the state from one segment to the next, although their phases differ; here they come in batches
    of ten, each from a state of zeros.

    Attributes:
        cell: Kind of recurrent layer.
        hidden_size: Units per layer.
        num_layers: Number of layers.
        init_std: Standard deviation of the initial weights and biases of the recurrent layers; None
            means torch's default, uniform within 1 / sqrt(hidden_size).
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
