"""Task ``mnist-autoencoder``: reconstruction of images from a short code."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from tuneyard.datasets import Dataset
from tuneyard.spaces.tasks.mnist_autoencoder import DESCRIPTION, MnistAutoencoderSpace
from tuneyard.trainables.problem import Batch, Metrics
from tuneyard.trainables.problems.autoencoder import EncoderDecoder, LogitsToGreyLevels
from tuneyard.trainables.problems.images import ImageProblem, ImageTask, Scaled, mean_over_chunks


class AutoencoderProblem(ImageProblem):
    """The images and an autoencoder that reconstructs them."""

    def __init__(self, config: MnistAutoencoderSpace, data: Dataset, device: torch.device) -> None:
        super().__init__(EncoderDecoder(config, config.code_size), data, device)
        self._reconstruction = config.reconstruction

    def loss(self, batch: Batch) -> Tensor:
        """The reconstruction loss that the config selects, averaged over the pixels."""
        pixels = self.pixels(batch)
        return self._reconstruction_loss(self.model(pixels), pixels)

    def _reconstruction_loss(self, logits: Tensor, pixels: Tensor) -> Tensor:
        if self._reconstruction == "mse":
            return mse_loss(logits.sigmoid(), pixels)
        return binary_cross_entropy_with_logits(logits, pixels)

    def evaluate(self, batch: Batch) -> Metrics:
        """The ``loss``, ``mse`` and ``bce``, averaged over the pixels, which lie in [0, 1].

        ``loss`` is the loss that is minimized in training, ``mse`` the squared error, and ``bce``
        the binary cross entropy in nats, which is positive even for a perfect reconstruction if
        some pixels are grey.
        """
        return mean_over_chunks(batch, self._measure)

    def _measure(self, batch: Batch) -> Metrics:
        pixels = self.pixels(batch)
        logits = self.model(pixels)
        return {
            "loss": self._reconstruction_loss(logits, pixels),
            "mse": mse_loss(logits.sigmoid(), pixels),
            "bce": binary_cross_entropy_with_logits(logits, pixels),
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from images (B, 28, 28), bytes, to reconstructions in [0, 255]."""
        return nn.Sequential(
            Scaled(), self.model, LogitsToGreyLevels()
        ).cpu().eval(), self.examples()


class MnistAutoencoder(ImageTask[MnistAutoencoderSpace]):
    """Reconstruction of images, ranked by the mean squared error of pixels in [0, 1]."""

    description = DESCRIPTION

    def problem(
        self, config: MnistAutoencoderSpace, data: Dataset, device: torch.device
    ) -> AutoencoderProblem:
        """The images and a fresh autoencoder."""
        return AutoencoderProblem(config, data, device)


TASK = MnistAutoencoder()
