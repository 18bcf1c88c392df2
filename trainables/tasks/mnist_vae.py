"""Task ``mnist-vae``: generation of images by a variational autoencoder.

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
    """The images and a variational autoencoder."""

    model: EncoderDecoder

    def __init__(self, config: MnistVaeSpace, data: Dataset, device: torch.device) -> None:
        super().__init__(EncoderDecoder(config, 2 * config.code_size), data, device)
        self._code_size = config.code_size
        self._kl_weight = config.kl_weight

    def loss(self, batch: Batch) -> Tensor:
        """Reconstruction loss plus weighted KL divergence in nats, averaged over the images."""
        noise = torch.randn(len(batch["image"]), self._code_size, device=self.device)
        reconstruction, divergence = self._parts_of_elbo(self.pixels(batch), noise)
        return reconstruction + self._kl_weight * divergence

    def _parts_of_elbo(self, pixels: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The cross entropy of the pixels, and the KL divergence of the codes from standard normal.

        Both are summed within each image and averaged over the images.
        """
        mean, log_variance = self.model.encoder(pixels).float().chunk(2, dim=1)
        # the reparametrization: the code is a function of noise, so gradients reach its parameters
        logits = self.model.decoder(mean + noise * (log_variance / 2).exp())
        entropy = binary_cross_entropy_with_logits(logits, pixels, reduction="sum")
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum() / 2
        return entropy / len(pixels), divergence / len(pixels)

    def evaluate(self, batch: Batch) -> Metrics:
        """The evidence lower bound and its two terms, in nats per image.

        ``reconstruction`` is the cross entropy of the pixels, each of which is the probability of
        ink, and ``kl`` is the divergence of the codes from the standard normal distribution.
        ``loss`` is their sum and ``elbo`` its negative, whatever the weight in training was. One
        code per image is drawn, with fixed noise.
        """
        fixed = torch.Generator().manual_seed(0)
        noise = torch.randn(len(batch["image"]), self._code_size, generator=fixed)
        return mean_over_chunks({**batch, "noise": noise.to(self.device)}, self._measure)

    def _measure(self, batch: Batch) -> Metrics:
        reconstruction, divergence = self._parts_of_elbo(self.pixels(batch), batch["noise"])
        loss = reconstruction + divergence
        return {"loss": loss, "elbo": -loss, "reconstruction": reconstruction, "kl": divergence}

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from standard normal noise (B, code_size) to images (B, 28, 28) in [0, 255]."""
        example = torch.randn(2, self._code_size, generator=torch.Generator().manual_seed(0))
        return nn.Sequential(self.model.decoder, LogitsToGreyLevels()).cpu().eval(), example.numpy()


class MnistVae(ImageTask[MnistVaeSpace]):
    """Generation of images, ranked by the evidence lower bound (ELBO) in nats per image."""

    description = DESCRIPTION

    def problem(self, config: MnistVaeSpace, data: Dataset, device: torch.device) -> VaeProblem:
        """The images and a fresh network."""
        return VaeProblem(config, data, device)


TASK = MnistVae()
