"""Task ``mnist-autoencoder``: images through a short code and back."""

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
    """Images and what comes back of them."""

    def __init__(self, config: MnistAutoencoderSpace, data: Dataset, device: torch.device) -> None:
        super().__init__(EncoderDecoder(config, config.code_size), data, device)
        self._reconstruction = config.reconstruction

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the pixels of the loss that the config names."""
        pixels = self.pixels(batch)
        return self._compare(self.model(pixels), pixels)

    def _compare(self, logits: Tensor, pixels: Tensor) -> Tensor:
        if self._reconstruction == "mse":
            return mse_loss(logits.sigmoid(), pixels)
        return binary_cross_entropy_with_logits(logits, pixels)

    def evaluate(self, batch: Batch) -> Metrics:
        """Means over the pixels, which lie in [0, 1].

        ``loss`` is the one that is trained, ``mse`` the squared error and ``bce`` the binary cross
        entropy in nats, which greys keep above 0.
        """
        return mean_over_chunks(batch, self._measure)

    def _measure(self, batch: Batch) -> Metrics:
        pixels = self.pixels(batch)
        logits = self.model(pixels)
        return {
            "loss": self._compare(logits, pixels),
            "mse": mse_loss(logits.sigmoid(), pixels),
            "bce": binary_cross_entropy_with_logits(logits, pixels),
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """(B, 28, 28) bytes to their reconstructions, grey levels in [0, 255]."""
        return nn.Sequential(
            Scaled(), self.model, LogitsToGreyLevels()
        ).cpu().eval(), self.examples()


class MnistAutoencoder(ImageTask[MnistAutoencoderSpace]):
    """Reconstruction of images; mean squared error of a pixel in [0, 1]."""

    description = DESCRIPTION

    def problem(
        self, config: MnistAutoencoderSpace, data: Dataset, device: torch.device
    ) -> AutoencoderProblem:
        """Images and a fresh network."""
        return AutoencoderProblem(config, data, device)


TASK = MnistAutoencoder()
