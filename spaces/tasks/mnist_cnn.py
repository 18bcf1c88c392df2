"""Hyperparameters of the convolutional network for images."""

from __future__ import annotations

from typing import Annotated, Literal

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.activations import Activation
from tuneyard.spaces.fields.image_data import IMAGE_DATA
from tuneyard.spaces.fields.image_training import ImageTraining
from tuneyard.spaces.fields.regularization import Dropout
from tuneyard.spaces.language.numeric import Int, Length
from tuneyard.spaces.objective import Objective


class MnistCnnSpace(ImageTraining):
    """Classification of images by a convolutional network with a fully connected head.

    Baseline, from the course: 5 x 5 convolutions to 10 and 20 channels with max pooling and ReLU,
    then a layer of 320-10 units; SGD 0.01 with momentum 0.5, batches of 64, 10 epochs.

    Attributes:
        channels: Output channels of each convolution; each is followed by pooling.
        kernel_size: Height and width of each kernel.
        padding: Whether convolutions keep the size of an image; one that would leave less than
            2 x 2 pixels always keeps it.
        pooling: Maximum or mean of each 2 x 2 pixels.
        head_sizes: Units of the hidden layers after the convolutions; the course has none.
        activation: Activation after each pooling and each hidden layer.
        batch_norm: Whether batch norm follows each convolution and each hidden layer.
        dropout: Dropout before each layer of the head.
    """

    channels: Annotated[tuple[Annotated[int, Int(8, 64, log=True)], ...], Length(1, 3)] = (10, 20)
    kernel_size: Literal[3, 5, 7] = 5
    padding: bool = False
    pooling: Literal["max", "average"] = "max"
    head_sizes: Annotated[tuple[Annotated[int, Int(32, 256, log=True)], ...], Length(0, 2)] = ()
    activation: Activation = "relu"
    batch_norm: bool = False
    dropout: Dropout = 0.0


DESCRIPTION = TaskDescription(
    name="mnist-cnn",
    space=MnistCnnSpace,
    objective=Objective("val_accuracy", "max"),
    module="tuneyard.trainables.tasks.mnist_cnn",
    data=IMAGE_DATA,
    course_result="98% accuracy",
)
