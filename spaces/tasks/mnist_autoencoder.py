"""Hyperparameters of the autoencoder for images."""

from __future__ import annotations

from typing import Literal

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.autoencoder import AutoencoderSpace
from tuneyard.spaces.fields.image_data import IMAGE_DATA
from tuneyard.spaces.objective import Objective


class MnistAutoencoderSpace(AutoencoderSpace):
    """Reconstruction of images from a short code by an autoencoder.

    Baseline, set by hand since the course gives no values: layers of 784-256-64-16 units and the
    reverse, binary cross entropy, Adam 1e-3, batches of 128, 20 epochs. A longer code improves the
    reconstruction; fix `code_size` to compare networks at the same compression.

    Attributes:
        reconstruction: Loss that is minimized, averaged over pixels: binary cross entropy or mean
            squared error. All configs are ranked by the latter.
    """

    reconstruction: Literal["bce", "mse"] = "bce"


DESCRIPTION = TaskDescription(
    name="mnist-autoencoder",
    space=MnistAutoencoderSpace,
    objective=Objective("val_mse", "min"),
    module="tuneyard.trainables.tasks.mnist_autoencoder",
    data=IMAGE_DATA,
)
