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
"""The range in which a network of this size trains well within 30 epochs."""


class NamesAdam(Adam):
    """Adam with learning rates around the course's."""

    lr: LearningRate = 1e-3


class NamesAdamW(AdamW):
    """AdamW with learning rates around the course's."""

    lr: LearningRate = 1e-3


class NamesRMSprop(RMSprop):
    """RMSprop with learning rates around the course's."""

    lr: LearningRate = 1e-3


class NamesGruSpace(TrainingSpace):
    """Classification of surnames by country with a recurrent network over their letters.

    Baseline, from the course: an embedding of size 100, two bidirectional GRU layers of 100 units,
    Adam 1e-3, batches of 256, 30 epochs.
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
