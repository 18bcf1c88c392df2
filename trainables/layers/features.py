"""`Features`: the fixed encoder under the Frechet distance between images."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tuneyard.datasets.images import SIZE

FEATURES = 64


class Features(nn.Module):
    """Images (B, 1, 28, 28) in [0, 1] to features (B, 64), by a network that is never trained.

    Its weights are drawn from a fixed seed, so a distance is the same number on every machine,
    needs no download and can't leak anything of the data. Naeem et al., 2020, "Reliable fidelity
    and diversity metrics for generative models", find such random embeddings as good a judge
    where images are unlike ImageNet's, which MNIST's are. A PCA of the pixels would be fixed as
    well, but sees no more than their means and covariances, which noise can have without a stroke.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, bias=False),  # 12 x 12
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, bias=False),  # 5 x 5
            nn.ReLU(),
            nn.Conv2d(32, FEATURES, 5, bias=False),  # 1 x 1: where a stroke lies counts
            nn.ReLU(),
            nn.Flatten(),
        )
        fixed = torch.Generator().manual_seed(0)
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                # He et al., 2015: what comes in keeps its size
                scale = math.sqrt(2 / layer.weight[0].numel())
                layer.weight.data = scale * torch.randn(layer.weight.shape, generator=fixed)
        self.requires_grad_(False)

    def forward(self, pixels: Tensor) -> Tensor:
        """The features of some images."""
        assert pixels.shape[-2:] == (SIZE, SIZE)
        features: Tensor = self.layers(pixels)
        return features
