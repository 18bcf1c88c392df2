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
"""The range in which a network of this size trains well within ten epochs."""


class MovingDigitsAdam(Adam):
    """Adam in a range that suits a small ConvLSTM."""

    lr: LearningRate = 5e-3


class MovingDigitsRMSprop(RMSprop):
    """RMSprop, which Shi et al. use."""

    lr: LearningRate = 2e-3


class MovingDigitsConvlstmSpace(TrainingSpace):
    """Prediction of the next frame of moving digits by a convolutional LSTM.

    Baseline, set by hand since the courses give no values: patches of 4 x 4 pixels as in Shi et
    al., 2015, one layer of 32 channels with 3 x 3 kernels, one output convolution, Adam 5e-3,
    batches of 16, 10 epochs.

    Attributes:
        patch: Side of the patches that a frame is divided into; their pixels become channels. Half
            the side takes about four times as long.
        hidden_channels: Channels per layer.
        kernel: Size of the kernels of a layer, in patches.
        num_layers: Number of ConvLSTM layers.
        output_layers: Convolutions from the states of the last layer to the frame.
        dropout: Dropout between layers.
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
