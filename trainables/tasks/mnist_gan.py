"""Task ``mnist-gan``: images generated from noise by a generative adversarial network."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Split
from tuneyard.datasets.images import SIZE
from tuneyard.spaces.tasks.mnist_gan import DESCRIPTION, Dense, MnistGanSpace
from tuneyard.trainables.layers.blocks import hidden_layers
from tuneyard.trainables.layers.distances import frechet
from tuneyard.trainables.layers.features import Features
from tuneyard.trainables.problem import Batch, Metrics
from tuneyard.trainables.problems.images import BRIGHTEST, CHUNK, ImageTask
from tuneyard.trainables.training.adversarial import (
    AdversarialLoop,
    AdversarialProblem,
    Adversaries,
)

SAMPLES = 2000
PIXELS = SIZE**2
SMALL = SIZE // 4  # side in pixels before two layers that double it each


def build_generator(config: MnistGanSpace) -> nn.Module:
    """Builds the generator, from noise (B, latent_size) to images (B, 1, 28, 28) in [-1, 1]."""
    network, norm = config.network, config.batch_norm
    if isinstance(network, Dense):
        width = network.generator_width
        sizes = (width, 2 * width)
        return nn.Sequential(
            *hidden_layers(config.latent_size, sizes, "relu", batch_norm=norm, dropout=0.0),
            nn.Linear(2 * width, PIXELS),
            nn.Tanh(),
            nn.Unflatten(1, (1, SIZE, SIZE)),
        )
    channels = network.generator_channels
    return nn.Sequential(
        nn.Linear(config.latent_size, 2 * channels * SMALL**2),
        nn.Unflatten(1, (2 * channels, SMALL, SMALL)),
        *([nn.BatchNorm2d(2 * channels)] if norm else []),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * channels, channels, 4, stride=2, padding=1),
        *([nn.BatchNorm2d(channels)] if norm else []),
        nn.ReLU(),
        nn.ConvTranspose2d(channels, 1, 4, stride=2, padding=1),
        nn.Tanh(),
    )


def build_discriminator(config: MnistGanSpace) -> nn.Module:
    """Builds the discriminator, from images (B, 1, 28, 28) in [-1, 1] to scores (B,)."""
    network, dropout = config.network, config.dropout
    if isinstance(network, Dense):
        width = network.discriminator_width
        sizes = (2 * width, width)
        return nn.Sequential(
            nn.Flatten(),
            *hidden_layers(PIXELS, sizes, "leaky_relu", batch_norm=False, dropout=dropout),
            nn.Linear(width, 1),
            nn.Flatten(0),
        )
    channels = network.discriminator_channels
    return nn.Sequential(
        nn.Conv2d(1, channels, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Dropout(dropout),
        nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Dropout(dropout),
        nn.Flatten(),
        nn.Linear(2 * channels * SMALL**2, 1),
        nn.Flatten(0),
    )


class MnistGanProblem(AdversarialProblem):
    """Images as bytes on the device; the discriminator reads them scaled to [-1, 1]."""

    def __init__(self, config: MnistGanSpace, data: Dataset, device: torch.device) -> None:
        model = Adversaries(build_generator(config), build_discriminator(config))
        super().__init__(config, model, device, SAMPLES)
        self._data = data
        self._features = Features().to(device)

    def build_tensors(self, split: Split) -> Batch:
        """`image` (B, 1, 28, 28), bytes."""
        images = self._data.arrays["image"][self._data.splits[split]][:, None]
        return {"image": torch.tensor(images, device=self.device)}

    def real(self, batch: Batch) -> Tensor:
        """The images (B, 1, 28, 28), with black as -1 and white as 1."""
        return batch["image"].float() / (BRIGHTEST / 2) - 1

    def evaluate(self, batch: Batch) -> Metrics:
        """The ``loss`` and ``frechet``, for as many samples as the split has images, at most 2,000.

        The samples are generated from fixed noise. ``loss`` is the discriminator's; ``frechet`` is
        the Frechet distance between samples and images in the features of a fixed encoder (see
        `Features`). Only distances with the same encoder can be compared.
        """
        noise = self.latents[: len(batch["image"])]
        generated = [self.generate(latents) for latents in noise.split(CHUNK)]
        real = [self.real({"image": images}) for images in batch["image"].split(CHUNK)]
        scores = [torch.cat([self.model.discriminator(x) for x in xs]) for xs in (real, generated)]
        features = [
            torch.cat([self._features((x + 1) / 2) for x in xs]) for xs in (real, generated)
        ]
        return {
            "loss": self.discriminator_loss_from_scores(*scores),
            "frechet": frechet(*features).float(),
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from normal noise (B, latent_size) to images (B, 28, 28) in [0, 255]."""
        module = nn.Sequential(self.model.generator, TanhToGreyLevels()).cpu().eval()
        return module, self.latents[:2].cpu().numpy()


class TanhToGreyLevels(nn.Module):
    """Maps images (B, 1, 28, 28) in [-1, 1] to grey levels in [0, 255], (B, 28, 28)."""

    def forward(self, images: Tensor) -> Tensor:
        """The grey levels, not rounded."""
        return (images[:, 0] + 1) * (BRIGHTEST / 2)


class MnistGan(ImageTask[MnistGanSpace]):
    """Generation of images, ranked by the Frechet distance in features of a fixed encoder."""

    description = DESCRIPTION
    loop = AdversarialLoop

    def problem(
        self, config: MnistGanSpace, data: Dataset, device: torch.device
    ) -> MnistGanProblem:
        """The images and fresh networks."""
        return MnistGanProblem(config, data, device)


TASK = MnistGan()
