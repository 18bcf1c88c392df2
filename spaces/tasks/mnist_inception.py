"""Hyperparameters of the network of inception blocks for images."""

from __future__ import annotations

from typing import Annotated, Literal

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.image_data import IMAGE_DATA
from tuneyard.spaces.fields.image_training import ImageTraining
from tuneyard.spaces.fields.regularization import Dropout
from tuneyard.spaces.language.numeric import Int
from tuneyard.spaces.language.space import SearchSpace
from tuneyard.spaces.objective import Objective

Width = Annotated[int, Int(8, 48, log=True)]


class Branches(SearchSpace):
    """Channels of the four branches of a block; the defaults add up to 88.

    Attributes:
        reduced: Channels of the 1 x 1 convolutions that begin the 5 x 5 and the 3 x 3 branch.
        single: Channels of the branch with a single 1 x 1 convolution.
        five: Channels of the 5 x 5 convolution.
        three: Channels of both 3 x 3 convolutions.
        pooled: Channels of the branch with mean pooling and a 1 x 1 convolution.
    """

    reduced: Width = 16
    single: Width = 16
    five: Width = 24
    three: Width = 24
    pooled: Width = 24


class MnistInceptionSpace(ImageTraining):
    """Classification of images by two inception blocks of the same widths (Szegedy et al., 2015).

    Baseline, from the course: a 5 x 5 convolution to 10 channels, a block of 88 channels, a 5 x 5
    convolution to 20 channels, a block of 88 channels and a layer of 1408-10 units; SGD 0.01 with
    momentum 0.5, batches of 64, 10 epochs. As in the course, there is no activation within a block.

    Attributes:
        first_channels: Output channels of the convolution before the first block.
        second_channels: Output channels of the convolution before the second block.
        branches: Channels of the branches of both blocks.
        block_activation: No activation within a block, as in the course, or ReLU after each of its
            convolutions.
        batch_norm: Whether batch norm follows each convolution.
        dropout: Dropout before the last layer.
    """

    first_channels: Annotated[int, Int(8, 32, log=True)] = 10
    second_channels: Annotated[int, Int(16, 64, log=True)] = 20
    branches: Branches = Branches()
    block_activation: Literal["none", "relu"] = "none"
    batch_norm: bool = False
    dropout: Dropout = 0.0


DESCRIPTION = TaskDescription(
    name="mnist-inception",
    space=MnistInceptionSpace,
    objective=Objective("val_accuracy", "max"),
    module="tuneyard.trainables.tasks.mnist_inception",
    data=IMAGE_DATA,
    course_result="98 to 99% accuracy",
)
