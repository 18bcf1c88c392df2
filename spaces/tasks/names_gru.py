"""Hyperparameters of the surname classifier."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.optimizers import Adam, AdamW, RMSprop
from tuneyard.spaces.fields.regularization import Dropout
from tuneyard.spaces.fields.schedules import Constant, Cosine, Step
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Float, Int
from tuneyard.spaces.objective import Objective

LearningRate = Annotated[float, Float(3e-4, 1e-2, log=True)]
"""Where 30 epochs are neither too few nor too wild for a network of this size."""


class NamesAdam(Adam):
    """Adam around the course's learning rate."""

    lr: LearningRate = 1e-3


class NamesAdamW(AdamW):
    """AdamW around the course's learning rate."""

    lr: LearningRate = 1e-3


class NamesRMSprop(RMSprop):
    """RMSprop around the course's learning rate."""

    lr: LearningRate = 1e-3


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
    optimizer: Annotated[NamesAdam | NamesAdamW | NamesRMSprop, Field(discriminator="kind")] = (
        NamesAdam()
    )
    schedule: Annotated[Constant | Step | Cosine, Field(discriminator="kind")] = Constant()
    batch_size: Literal[64, 128, 256, 512] = 256
    epochs: int = 30


DESCRIPTION = TaskDescription(
    name="names-gru",
    space=NamesGruSpace,
    objective=Objective("val_accuracy", "max"),
    module="tuneyard.trainables.tasks.names_gru",
    course_result="83.78% accuracy on the test file",
)
