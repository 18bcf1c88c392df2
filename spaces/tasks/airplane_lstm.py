"""Hyperparameters of the airline passenger forecaster."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.optimizers import Adam, AdamW, RMSprop
from tuneyard.spaces.fields.regularization import Dropout
from tuneyard.spaces.fields.schedules import Constant, Cosine, ReduceOnPlateau
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Int
from tuneyard.spaces.objective import Objective

Transform = Literal["none", "log", "log_diff", "seasonal_log_diff"]


class AirplaneLstmSpace(TrainingSpace):
    """Forecast of next month's airline passengers by a recurrent network.

    Baseline, from the course's notebook `LSTM_airplane_forcast`: windows of two months, two LSTM
    layers of four units, Adam 1e-2, 1,000 epochs with the full batch.

    Attributes:
        transform: Transform of the series, before it is standardized.
        lookback: Months per window.
        cell: Kind of recurrent layer.
        hidden_size: Units per layer.
        num_layers: Number of layers.
        dropout: Dropout between layers and before the head.
        residual: Whether the network forecasts the change from the window's last value, rather than
            the value.
    """

    transform: Transform = "none"
    lookback: Annotated[int, Int(2, 36)] = 2
    cell: Literal["lstm", "gru", "rnn"] = "lstm"
    hidden_size: Annotated[int, Int(2, 64, log=True)] = 4
    num_layers: Annotated[int, Int(1, 3)] = 2
    dropout: Dropout = 0.0
    residual: bool = False
    optimizer: Annotated[Adam | AdamW | RMSprop, Field(discriminator="kind")] = Adam(lr=1e-2)
    schedule: Annotated[Constant | Cosine | ReduceOnPlateau, Field(discriminator="kind")] = (
        Constant()
    )
    epochs: int = 1000


DESCRIPTION = TaskDescription(
    name="airplane-lstm",
    space=AirplaneLstmSpace,
    objective=Objective("val_rmse", "min"),
    module="tuneyard.trainables.tasks.airplane_lstm",
    # the 24 months of the val split are too few to rank a hundred configs at their best epoch
    folds=4,
)
