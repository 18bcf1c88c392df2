"""Hyperparameters of the variational autoencoder for images."""

from __future__ import annotations

from typing import Annotated

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.autoencoder import AutoencoderSpace
from tuneyard.spaces.fields.image_data import IMAGE_DATA
from tuneyard.spaces.language.numeric import Float
from tuneyard.spaces.objective import Objective


class MnistVaeSpace(AutoencoderSpace):
    """Generation of images by a variational autoencoder with normally distributed codes.

    Baseline, set by hand since the course gives the loss but no values: layers of 784-256-64 units,
    codes of 16 numbers, KL weight 1, Adam 1e-3, batches of 128, 20 epochs.

    Attributes:
        kl_weight: Weight of the Kullback-Leibler divergence in the loss that is minimized, i.e. the
            beta of Higgins et al., 2017. All configs are ranked by the ELBO itself, whose weight
            is 1.
    """

    kl_weight: Annotated[float, Float(0.1, 4.0, log=True)] = 1.0


DESCRIPTION = TaskDescription(
    name="mnist-vae",
    space=MnistVaeSpace,
    objective=Objective("val_elbo", "max"),
    module="tuneyard.trainables.tasks.mnist_vae",
    data=IMAGE_DATA,
)
