"""Task ``mnist-gan``: images drawn from noise by a generator against a discriminator."""

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
SMALL = SIZE // 4  # pixels a side, before two layers that double them


def build_generator(config: MnistGanSpace) -> nn.Module:
    """Noise (B, latent_size) to images (B, 1, 28, 28) in [-1, 1]."""
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
    """Images (B, 1, 28, 28) in [-1, 1] to scores (B,)."""
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
    """Images as bytes on the device, shown to the discriminator in [-1, 1]."""

    def __init__(self, config: MnistGanSpace, data: Dataset, device: torch.device) -> None:
        model = Adversaries(build_generator(config), build_discriminator(config))
        super().__init__(config, model, device, SAMPLES)
        self._data = data
        self._features = Features().to(device)

    def build_tensors(self, split: Split) -> Batch:
        """image (B, 1, 28, 28), bytes."""
        images = self._data.arrays["image"][self._data.splits[split]][:, None]
        return {"image": torch.tensor(images, device=self.device)}

    def real(self, batch: Batch) -> Tensor:
        """The images with black as -1 and white as 1."""
        return batch["image"].float() / (BRIGHTEST / 2) - 1

    def evaluate(self, batch: Batch) -> Metrics:
        """Of as many drawn images as the split has, 2,000 at most, from noise that stays the same.

        ``loss`` is the discriminator's; ``frechet`` the Frechet distance to the split's images over
        the features of a fixed encoder, see `Features`: only distances over the same encoder can
        be compared.
        """
        noise = self.latents[: len(batch["image"])]
        drawn = [self.generate(latents) for latents in noise.split(CHUNK)]
        real = [self.real({"image": images}) for images in batch["image"].split(CHUNK)]
        scores = [torch.cat([self.model.discriminator(x) for x in xs]) for xs in (real, drawn)]
        features = [torch.cat([self._features((x + 1) / 2) for x in xs]) for xs in (real, drawn)]
        return {
            "loss": self.discriminator_loss_from_scores(*scores),
            "frechet": frechet(*features).float(),
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """(B, latent_size) of standard normal noise to images (B, 28, 28), greys in [0, 255]."""
        module = nn.Sequential(self.model.generator, TanhToGreyLevels()).cpu().eval()
        return module, self.latents[:2].cpu().numpy()


class TanhToGreyLevels(nn.Module):
    """Images (B, 1, 28, 28) in [-1, 1] to grey levels in [0, 255], (B, 28, 28)."""

    def forward(self, images: Tensor) -> Tensor:
        """Grey levels, not rounded."""
        return (images[:, 0] + 1) * (BRIGHTEST / 2)


class MnistGan(ImageTask[MnistGanSpace]):
    """Generation of images; Frechet distance over the features of a fixed random encoder."""

    description = DESCRIPTION
    loop = AdversarialLoop

    def problem(
        self, config: MnistGanSpace, data: Dataset, device: torch.device
    ) -> MnistGanProblem:
        """Images and fresh networks."""
        return MnistGanProblem(config, data, device)


TASK = MnistGan()
