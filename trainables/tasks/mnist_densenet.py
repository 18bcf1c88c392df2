"""Task ``mnist-densenet``: classification of images by densely connected blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tuneyard.datasets import images
from tuneyard.spaces.tasks.mnist_densenet import DESCRIPTION, MnistDensenetSpace
from tuneyard.trainables.problems.images import ClassificationTask


class DenseLayer(nn.Module):
    """Batch norm, ReLU and a 3 x 3 convolution whose output is concatenated to the input."""

    def __init__(self, channels: int, growth_rate: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, growth_rate, 3, padding=1, bias=False),
            nn.Dropout(dropout),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Maps (B, channels, H, W) to (B, channels + growth_rate, H, W)."""
        return torch.cat([images, self.layers(images)], dim=1)


class DenseNet(nn.Sequential):
    """Maps images (B, 1, 28, 28) to logits (B, 10)."""

    def __init__(self, config: MnistDensenetSpace) -> None:
        channels = config.first_channels
        first = nn.Conv2d(1, channels, 5, bias=False)
        layers: list[nn.Module] = [first, nn.MaxPool2d(2)]
        layers += _block(config, channels)
        channels += config.layers * config.growth_rate
        kept = max(1, int(config.compression * channels))
        layers += [
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, kept, 1, bias=False),
            nn.AvgPool2d(2),
            *_block(config, kept),
        ]
        channels = kept + config.layers * config.growth_rate
        layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        super().__init__(*layers, nn.Linear(channels, images.CLASSES))


def _block(config: MnistDensenetSpace, channels: int) -> list[nn.Module]:
    """The layers of a block, each of which reads the outputs of all layers before it."""
    return [
        DenseLayer(channels + index * config.growth_rate, config.growth_rate, config.dropout)
        for index in range(config.layers)
    ]


class MnistDensenet(ClassificationTask[MnistDensenetSpace]):
    """Classification into ten classes, ranked by accuracy."""

    description = DESCRIPTION

    def network(self, config: MnistDensenetSpace) -> DenseNet:
        """See `ClassificationTask.network`."""
        return DenseNet(config)


TASK = MnistDensenet()
