"""Hyperparameters of the autoencoder for images."""

from __future__ import annotations

from typing import Literal

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.autoencoder import AutoencoderSpace
from tuneyard.spaces.fields.image_data import IMAGE_DATA
from tuneyard.spaces.objective import Objective


class MnistAutoencoderSpace(AutoencoderSpace):
    """Images through a code of a few numbers and back, by two multilayer perceptrons.

    Baseline: hand-set and small, since the course gives no values: 784-256-64-16 and back, binary
    cross entropy, Adam 1e-3, batches of 128, 20 epochs. A longer code reconstructs better: fix
    `code_size` to compare networks at one compression.

    Attributes:
        reconstruction: The loss that is trained, by pixel: binary cross entropy or mean squared
            error. All configs are ranked by the latter.
    """

    reconstruction: Literal["bce", "mse"] = "bce"


DESCRIPTION = TaskDescription(
    name="mnist-autoencoder",
    space=MnistAutoencoderSpace,
    objective=Objective("val_mse", "min"),
    module="tuneyard.trainables.tasks.mnist_autoencoder",
    data=IMAGE_DATA,
)
