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
    """Channels of the four branches of a block; the defaults make 88.

    Attributes:
        reduced: Of the convolutions of 1 x 1 that lead the two branches after the first.
        single: Of the branch of 1 x 1.
        five: Of the branch of 5 x 5.
        three: Of both convolutions of 3 x 3.
        pooled: Of the branch of mean pooling and 1 x 1.
    """

    reduced: Width = 16
    single: Width = 16
    five: Width = 24
    three: Width = 24
    pooled: Width = 24


class MnistInceptionSpace(ImageTraining):
    """The class of an image by two inception blocks (Szegedy et al., 2015), with one kind of width.

    Baseline: the course's convolution of 5 x 5 to 10 channels, block of 88 channels, convolution of
    5 x 5 to 20, block of 88 and 1408-10, SGD 0.01 with momentum 0.5, batches of 64, 10 epochs. As
    in the course there is no activation within a block.

    Attributes:
        first_channels: Of the convolution before the first block.
        second_channels: Of the convolution before the second block.
        branches: Widths in both blocks.
        block_activation: None, as in the course, or ReLU after each convolution of a block.
        batch_norm: After each convolution.
        dropout: Before the last layer.
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
