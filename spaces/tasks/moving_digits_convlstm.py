"""Hyperparameters of the next-frame predictor."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.optimizers import Adam, RMSprop
from tuneyard.spaces.fields.regularization import Dropout
from tuneyard.spaces.fields.schedules import Constant, Cosine, OneCycle
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Float, Int
from tuneyard.spaces.objective import Objective

LearningRate = Annotated[float, Float(5e-4, 1e-2, log=True)]
"""Where ten epochs are neither too few nor too wild for a network of this size."""


class MovingDigitsAdam(Adam):
    """Adam where a small ConvLSTM trains well."""

    lr: LearningRate = 5e-3


class MovingDigitsRMSprop(RMSprop):
    """RMSprop, which Shi et al. train with."""

    lr: LearningRate = 2e-3


class MovingDigitsConvlstmSpace(TrainingSpace):
    """The next frame of moving digits from all frames before it, by a convolutional LSTM.

    Baseline: small and hand-set, since the courses give no values: patches of 4 x 4 as in Shi et
    al., 2015, one layer of 32 channels and 3 x 3 kernels, one output convolution, Adam 5e-3,
    batches of 16, 10 epochs.

    Attributes:
        patch: A frame is cut into patches of this side, whose pixels become channels; half
            the side takes about four times as long.
        hidden_channels: Channels of a layer.
        kernel: Side of a layer's convolutions, in patches.
        num_layers: ConvLSTM layers.
        output_layers: Convolutions from the last layer's states to the frame.
        dropout: Between layers.
    """

    patch: Literal[4, 8] = 4
    hidden_channels: Annotated[int, Int(8, 48, log=True)] = 32
    kernel: Literal[3, 5] = 3
    num_layers: Annotated[int, Int(1, 2)] = 1
    output_layers: Annotated[int, Int(1, 3)] = 1
    dropout: Dropout = 0.0
    optimizer: Annotated[MovingDigitsAdam | MovingDigitsRMSprop, Field(discriminator="kind")] = (
        MovingDigitsAdam()
    )
    schedule: Annotated[Constant | Cosine | OneCycle, Field(discriminator="kind")] = Constant()
    batch_size: Literal[8, 16, 32] = 16
    epochs: int = 10


DESCRIPTION = TaskDescription(
    name="moving-digits-convlstm",
    space=MovingDigitsConvlstmSpace,
    objective=Objective("val_loss", "min"),
    module="tuneyard.trainables.tasks.moving_digits_convlstm",
    data=("mnist", "digits", "mnist-two", "digits-two"),
)
