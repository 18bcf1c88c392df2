"""Task ``mnist-vae``: images through a distribution of codes and back.

Kingma and Welling, 2014, "Auto-encoding variational Bayes".
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from tuneyard.datasets import Dataset
from tuneyard.spaces.tasks.mnist_vae import DESCRIPTION, MnistVaeSpace
from tuneyard.trainables.problem import Batch, Metrics
from tuneyard.trainables.problems.autoencoder import EncoderDecoder, LogitsToGreyLevels
from tuneyard.trainables.problems.images import ImageProblem, ImageTask, mean_over_chunks


class VaeProblem(ImageProblem):
    """Images, the codes drawn for them, and what comes back of those."""

    model: EncoderDecoder

    def __init__(self, config: MnistVaeSpace, data: Dataset, device: torch.device) -> None:
        super().__init__(EncoderDecoder(config, 2 * config.code_size), data, device)
        self._code_size = config.code_size
        self._kl_weight = config.kl_weight

    def loss(self, batch: Batch) -> Tensor:
        """Reconstruction and weighted divergence in nats, mean over the images."""
        noise = torch.randn(len(batch["image"]), self._code_size, device=self.device)
        reconstruction, divergence = self._parts_of_elbo(self.pixels(batch), noise)
        return reconstruction + self._kl_weight * divergence

    def _parts_of_elbo(self, pixels: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Cross entropy of the pixels, and divergence of the codes from the standard normal.

        Both are sums by image and means over the images.
        """
        mean, log_variance = self.model.encoder(pixels).float().chunk(2, dim=1)
        # the code as a function of noise, so that gradients reach its distribution
        logits = self.model.decoder(mean + noise * (log_variance / 2).exp())
        entropy = binary_cross_entropy_with_logits(logits, pixels, reduction="sum")
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum() / 2
        return entropy / len(pixels), divergence / len(pixels)

    def evaluate(self, batch: Batch) -> Metrics:
        """In nats an image: ``elbo``, a lower bound of the log likelihood, and its two splits.

        ``reconstruction`` is the cross entropy of the pixels, each read as the probability of ink,
        and ``kl`` the divergence of the codes from the standard normal; ``loss`` is their sum and
        ``elbo`` its negative, whatever weight was trained. One code is drawn for each image, with
        noise that stays the same.
        """
        fixed = torch.Generator().manual_seed(0)
        noise = torch.randn(len(batch["image"]), self._code_size, generator=fixed)
        return mean_over_chunks({**batch, "noise": noise.to(self.device)}, self._measure)

    def _measure(self, batch: Batch) -> Metrics:
        reconstruction, divergence = self._parts_of_elbo(self.pixels(batch), batch["noise"])
        loss = reconstruction + divergence
        return {"loss": loss, "elbo": -loss, "reconstruction": reconstruction, "kl": divergence}

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """(B, code_size) of standard normal noise to new images (B, 28, 28), greys in [0, 255]."""
        example = torch.randn(2, self._code_size, generator=torch.Generator().manual_seed(0))
        return nn.Sequential(self.model.decoder, LogitsToGreyLevels()).cpu().eval(), example.numpy()


class MnistVae(ImageTask[MnistVaeSpace]):
    """Generation of images by likelihood; the evidence lower bound (ELBO) in nats an image."""

    description = DESCRIPTION

    def problem(self, config: MnistVaeSpace, data: Dataset, device: torch.device) -> VaeProblem:
        """Images and a fresh network."""
        return VaeProblem(config, data, device)


TASK = MnistVae()
