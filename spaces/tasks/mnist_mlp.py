"""Hyperparameters of the multilayer perceptron for images."""

from __future__ import annotations

from typing import Annotated

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.activations import Activation
from tuneyard.spaces.fields.image_data import IMAGE_DATA
from tuneyard.spaces.fields.image_training import ImageTraining
from tuneyard.spaces.fields.regularization import Dropout
from tuneyard.spaces.language.numeric import Int, Length
from tuneyard.spaces.objective import Objective


class MnistMlpSpace(ImageTraining):
    """Classification of images from their 784 pixels by a multilayer perceptron.

    Baseline, from the course: layers of 784-512-256-128-64-10 units with ReLU, SGD 0.01 with
    momentum 0.5, batches of 64, 10 epochs.
    """

    hidden_sizes: Annotated[tuple[Annotated[int, Int(32, 1024, log=True)], ...], Length(1, 5)] = (
        512,
        256,
        128,
        64,
    )
    activation: Activation = "relu"
    batch_norm: bool = False
    dropout: Dropout = 0.0


DESCRIPTION = TaskDescription(
    name="mnist-mlp",
    space=MnistMlpSpace,
    objective=Objective("val_accuracy", "max"),
    module="tuneyard.trainables.tasks.mnist_mlp",
    data=IMAGE_DATA,
    course_result="96 to 97% accuracy",
)
