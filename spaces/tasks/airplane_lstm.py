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
    """One-step-ahead forecast of monthly airline passengers by a recurrent network.

    Baseline: the course's notebook `LSTM_airplane_forcast`: two months back, two LSTM layers of
    four units, Adam 1e-2, 1,000 epochs of the full batch.

    Attributes:
        transform: Of the series, before it is standardised.
        lookback: Months in a window.
        cell: Kind of recurrent layer.
        hidden_size: Units of a layer.
        num_layers: Layers.
        dropout: Between layers and before the head.
        residual: The network forecasts the change from the window's last value, not the value.
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
    # 24 months of validation are too few to rank a hundred configs at their best epoch
    folds=4,
)
