"""Hyperparameters of the surname classifier."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.loop import TrainingSpace
from tuneyard.spaces.numeric import Int
from tuneyard.spaces.optimizers import SGD, Adam, AdamW, RMSprop
from tuneyard.spaces.regularization import Dropout
from tuneyard.spaces.schedules import Constant, Cosine, OneCycle, Step


class NamesGruSpace(TrainingSpace):
    """The country of a surname from its letters, by a recurrent network.

    Baseline: the course's embedding of 100, two bidirectional GRU layers of 100, Adam 1e-3,
    batches of 256, 30 epochs.
    """

    embedding_size: Annotated[int, Int(16, 256, log=True)] = 100
    cell: Literal["gru", "lstm", "rnn"] = "gru"
    hidden_size: Annotated[int, Int(16, 256, log=True)] = 100
    num_layers: Annotated[int, Int(1, 3)] = 2
    bidirectional: bool = True
    dropout: Dropout = 0.0
    optimizer: Annotated[Adam | AdamW | RMSprop | SGD, Field(discriminator="kind")] = Adam(lr=1e-3)
    schedule: Annotated[Constant | Step | Cosine | OneCycle, Field(discriminator="kind")] = (
        Constant()
    )
    batch_size: Literal[64, 128, 256, 512] = 256
    epochs: int = 30
