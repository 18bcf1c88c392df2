"""`Features`: the fixed encoder whose features the Frechet distance between images compares."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tuneyard.datasets.images import SIZE

FEATURES = 64


class Features(nn.Module):
    """Maps images (B, 1, 28, 28) in [0, 1] to features (B, 64), by an untrained network.

    Its weights are drawn with a fixed seed, so a distance is the same on every machine, needs no
    download and cannot leak information about the data. Naeem et al., 2020, "Reliable fidelity and
    diversity metrics for generative models", find that such random embeddings are as good as
    trained ones for images that are unlike ImageNet's, and MNIST's are. A PCA of the pixels would
    be fixed as well, but depends on their means and covariances only, which noise without any
    strokes can have too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, bias=False),  # 12 x 12
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, bias=False),  # 5 x 5
            nn.ReLU(),
            nn.Conv2d(32, FEATURES, 5, bias=False),  # 1 x 1: positions matter
            nn.ReLU(),
            nn.Flatten(),
        )
        fixed = torch.Generator().manual_seed(0)
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                # He et al., 2015: keeps the scale of the activations
                scale = math.sqrt(2 / layer.weight[0].numel())
                layer.weight.data = scale * torch.randn(layer.weight.shape, generator=fixed)
        self.requires_grad_(False)

    def forward(self, pixels: Tensor) -> Tensor:
        """The features of images."""
        assert pixels.shape[-2:] == (SIZE, SIZE)
        features: Tensor = self.layers(pixels)
        return features
