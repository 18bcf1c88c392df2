"""Hyperparameters of the network that turns "hello" into "ohlol"."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.optimizers import SGD, Adam, RMSprop
from tuneyard.spaces.fields.schedules import Constant, Cosine
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Float, Int
from tuneyard.spaces.language.space import SearchSpace
from tuneyard.spaces.objective import Objective

LearningRate = Annotated[float, Float(1e-2, 0.5, log=True)]
"""Higher than the common range, since there are only a few steps."""


class OneHot(SearchSpace):
    """Represents a letter by its unit vector."""

    kind: Literal["one_hot"] = "one_hot"


class Embedding(SearchSpace):
    """Represents a letter by a trained vector of `size` numbers."""

    kind: Literal["embedding"] = "embedding"
    size: Annotated[int, Int(4, 64, log=True)] = 10


class HelloAdam(Adam):
    """Adam with learning rates around the course's and above."""

    lr: LearningRate = 5e-2


class HelloRMSprop(RMSprop):
    """RMSprop with learning rates around the course's and above."""

    lr: LearningRate = 5e-2


class HelloSGD(SGD):
    """SGD, which needs larger learning rates than Adam here."""

    lr: Annotated[float, Float(5e-2, 5.0, log=True)] = 0.5


class HelloRnnSpace(TrainingSpace):
    """Translation of "hello" to "ohlol", letter by letter, by a recurrent network.

    Baseline, from the course: an embedding of size 10, two RNN layers of 8 units, Adam 0.05, 15
    epochs on the single word.

    Attributes:
        encoding: Representation of a letter.
        cell: Kind of recurrent layer.
        hidden_size: Units per layer.
        num_layers: Number of layers.
        unroll: Whether layers process the whole sequence at once, or cell by cell in a loop; the
            results are the same.
    """

    encoding: Annotated[OneHot | Embedding, Field(discriminator="kind")] = Embedding()
    cell: Literal["rnn", "gru", "lstm"] = "rnn"
    hidden_size: Annotated[int, Int(4, 64, log=True)] = 8
    num_layers: Annotated[int, Int(1, 3)] = 2
    unroll: Literal["sequence", "cells"] = "sequence"
    optimizer: Annotated[HelloAdam | HelloRMSprop | HelloSGD, Field(discriminator="kind")] = (
        HelloAdam()
    )
    schedule: Annotated[Constant | Cosine, Field(discriminator="kind")] = Constant()
    epochs: int = 15


DESCRIPTION = TaskDescription(
    name="hello-rnn",
    space=HelloRnnSpace,
    objective=Objective("val_loss", "min"),
    module="tuneyard.trainables.tasks.hello_rnn",
    course_result="solved at epoch 10 to 12, loss 0.025 after 15",
)
