"""Task ``ring-gan``: a small generative adversarial network on eight Gaussians on a ring."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Split, ring
from tuneyard.spaces.tasks.ring_gan import DESCRIPTION, RingGanSpace
from tuneyard.trainables.layers.blocks import hidden_layers
from tuneyard.trainables.layers.distances import mmd
from tuneyard.trainables.problem import Batch, Metrics
from tuneyard.trainables.task import Task
from tuneyard.trainables.training.adversarial import (
    AdversarialLoop,
    AdversarialProblem,
    Adversaries,
)

SAMPLES = 512
BANDWIDTHS = (0.05, 0.2, 0.8)  # the scales of a mode, of the distance of two modes, and of the ring
NEAR = 3 * ring.DEVIATION
LEAST = 1 / (10 * ring.MODES)


def coverage(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Measures how samples cover the modes of the ring.

    A point is near a mode if it is within three deviations of its centre, as 98.9% of the mode's
    own points are. A mode is covered if at least a tenth of its expected share of the samples, one
    point in 80, is near it.

    Args:
        samples: Points (n, 2).

    Returns:
        The number of covered modes, 0 to 8, and the share of points near any mode, in [0, 1]; both
        are scalars.
    """
    centres = torch.from_numpy(ring.centres()).to(samples.device)
    near = torch.cdist(samples, centres) <= NEAR  # (n, 8); no point is near two modes
    covered = near.float().mean(0) >= LEAST
    return covered.float().sum(), near.any(1).float().mean()


class RingProblem(AdversarialProblem):
    """The points, unchanged, and two multilayer perceptrons."""

    def __init__(self, config: RingGanSpace, data: Dataset, device: torch.device) -> None:
        generator = self._perceptron(config, config.latent_size, config.generator_widths, 2)
        discriminator = self._perceptron(config, 2, config.discriminator_widths, 1)
        discriminator.append(nn.Flatten(0))
        super().__init__(config, Adversaries(generator, discriminator), device, SAMPLES)
        self._data = data

    @staticmethod
    def _perceptron(
        config: RingGanSpace, inputs: int, widths: tuple[int, ...], outputs: int
    ) -> nn.Sequential:
        layers = hidden_layers(inputs, widths, config.activation, batch_norm=False, dropout=0.0)
        return nn.Sequential(*layers, nn.Linear(widths[-1], outputs))

    def build_tensors(self, split: Split) -> Batch:
        """`point` (B, 2)."""
        points = self._data.arrays["point"][self._data.splits[split]]
        return {"point": torch.tensor(points, device=self.device)}

    def real(self, batch: Batch) -> Tensor:
        """The points of the batch, (B, 2)."""
        return batch["point"]

    def evaluate(self, batch: Batch) -> Metrics:
        """Metrics of 512 samples that are generated from fixed noise.

        ``loss`` is the discriminator's. ``mmd`` is the maximum mean discrepancy from the split's
        points, which is about 0.07 for as many true points of the ring. ``modes`` is the number of
        covered modes, and ``high_quality`` the share of samples near any mode; see `coverage`.
        """
        samples = self.generate(self.latents)
        modes, near = coverage(samples)
        return {
            "loss": self.discriminator_loss_without_penalty(batch["point"], samples),
            "mmd": mmd(samples, batch["point"], BANDWIDTHS),
            "modes": modes,
            "high_quality": near,
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from standard normal noise (B, latent_size) to points (B, 2)."""
        return self.model.generator.cpu().eval(), self.latents[:2].cpu().numpy()


class RingGan(Task[RingGanSpace]):
    """Generation of points of a ring of Gaussians, ranked by maximum mean discrepancy."""

    description = DESCRIPTION
    loop = AdversarialLoop

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Loads 5,120 generated points."""
        return ring.load()

    def problem(self, config: RingGanSpace, data: Dataset, device: torch.device) -> RingProblem:
        """The points of each split and fresh networks."""
        return RingProblem(config, data, device)


TASK = RingGan()
