"""Hyperparameters of the densely connected network for images."""

from __future__ import annotations

from typing import Annotated

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.image_data import IMAGE_DATA
from tuneyard.spaces.fields.image_training import ImageTraining
from tuneyard.spaces.fields.regularization import Dropout
from tuneyard.spaces.language.numeric import Float, Int
from tuneyard.spaces.objective import Objective


class MnistDensenetSpace(ImageTraining):
    """Classification of images by two dense blocks without bottlenecks (Huang et al., 2017).

    Baseline, set by hand since the course builds no such network: 16 channels, three layers per
    block with growth rate 8, compression 0.5; and from the course SGD 0.01 with momentum 0.5,
    batches of 64, 10 epochs.

    Attributes:
        first_channels: Output channels of the 5 x 5 convolution before the first block.
        growth_rate: Channels that each layer adds.
        layers: Layers per block.
        compression: Fraction of the channels that remains after the transition between the blocks.
        dropout: Dropout after each convolution of a block.
    """

    first_channels: Annotated[int, Int(8, 32, log=True)] = 16
    growth_rate: Annotated[int, Int(4, 24, log=True)] = 8
    layers: Annotated[int, Int(2, 4)] = 3
    compression: Annotated[float, Float(0.3, 1.0)] = 0.5
    dropout: Dropout = 0.0


DESCRIPTION = TaskDescription(
    name="mnist-densenet",
    space=MnistDensenetSpace,
    objective=Objective("val_accuracy", "max"),
    module="tuneyard.trainables.tasks.mnist_densenet",
    data=IMAGE_DATA,
)
