"""Hyperparameters of the residual network for images."""

from __future__ import annotations

from typing import Annotated, Literal

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.image_data import IMAGE_DATA
from tuneyard.spaces.fields.image_training import ImageTraining
from tuneyard.spaces.fields.regularization import Dropout
from tuneyard.spaces.language.numeric import Int
from tuneyard.spaces.objective import Objective


class MnistResnetSpace(ImageTraining):
    """Classification of images by two stages of residual blocks (He et al., 2016).

    Baseline, from the course: a 5 x 5 convolution to 16 channels, a residual block, a 5 x 5
    convolution to 32 channels, a residual block and a layer of 512-10 units, without batch norm;
    SGD 0.01 with momentum 0.5, batches of 64, 10 epochs.

    Attributes:
        first_channels: Channels of the first stage.
        second_channels: Channels of the second stage.
        blocks: Residual blocks per stage.
        batch_norm: Whether batch norm follows each convolution.
        skip: Skip connection of a block: the identity, or a 1 x 1 convolution (``projection``).
        dropout: Dropout before the last layer.
    """

    first_channels: Annotated[int, Int(8, 48, log=True)] = 16
    second_channels: Annotated[int, Int(16, 96, log=True)] = 32
    blocks: Annotated[int, Int(1, 3)] = 1
    batch_norm: bool = False
    skip: Literal["identity", "projection"] = "identity"
    dropout: Dropout = 0.0


DESCRIPTION = TaskDescription(
    name="mnist-resnet",
    space=MnistResnetSpace,
    objective=Objective("val_accuracy", "max"),
    module="tuneyard.trainables.tasks.mnist_resnet",
    data=IMAGE_DATA,
    course_result="98 to 99% accuracy",
)
