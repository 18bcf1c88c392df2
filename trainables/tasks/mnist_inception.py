"""Task ``mnist-inception``: classification of images by inception blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tuneyard.datasets import images
from tuneyard.spaces.tasks.mnist_inception import DESCRIPTION, MnistInceptionSpace
from tuneyard.trainables.layers.blocks import convolution
from tuneyard.trainables.problems.images import ClassificationTask


class Inception(nn.Module):
    """A block of four parallel branches: (B, channels, H, W) to (B, out_channels, H, W)."""

    def __init__(self, config: MnistInceptionSpace, channels: int) -> None:
        super().__init__()
        widths = config.branches
        activated = config.block_activation == "relu"

        def convolutions(*steps: tuple[int, int]) -> nn.Sequential:
            """Consecutive convolutions, each given by its output channels and its kernel size."""
            layers: list[nn.Module] = []
            in_channels = channels
            for width, size in steps:
                layers.append(
                    convolution(
                        in_channels, width, size, padding=True, batch_norm=config.batch_norm
                    )
                )
                if activated:
                    layers.append(nn.ReLU())
                in_channels = width
            return nn.Sequential(*layers)

        self.out_channels = widths.single + widths.five + widths.three + widths.pooled
        self.single = convolutions((widths.single, 1))
        self.five = convolutions((widths.reduced, 1), (widths.five, 5))
        self.three = convolutions((widths.reduced, 1), (widths.three, 3), (widths.three, 3))
        self.pool = nn.AvgPool2d(3, stride=1, padding=1)
        self.pooled = convolutions((widths.pooled, 1))

    def forward(self, images: Tensor) -> Tensor:
        """The outputs of the branches, concatenated along the channels."""
        branches = [self.single(images), self.five(images), self.three(images)]
        return torch.cat([*branches, self.pooled(self.pool(images))], dim=1)


class InceptionNet(nn.Sequential):
    """Maps images (B, 1, 28, 28) to logits (B, 10)."""

    def __init__(self, config: MnistInceptionSpace) -> None:
        layers: list[nn.Module] = []
        channels, size = 1, images.SIZE
        for width in (config.first_channels, config.second_channels):
            block = Inception(config, width)
            layers += [
                convolution(channels, width, 5, padding=False, batch_norm=config.batch_norm),
                nn.MaxPool2d(2),
                nn.ReLU(),
                block,
            ]
            channels, size = block.out_channels, (size - 4) // 2
        head = nn.Linear(channels * size**2, images.CLASSES)
        super().__init__(*layers, nn.Flatten(), nn.Dropout(config.dropout), head)


class MnistInception(ClassificationTask[MnistInceptionSpace]):
    """Classification into ten classes, ranked by accuracy."""

    description = DESCRIPTION

    def network(self, config: MnistInceptionSpace) -> InceptionNet:
        """See `ClassificationTask.network`."""
        return InceptionNet(config)


TASK = MnistInception()
