"""Task ``mnist-resnet``: classification of images by residual blocks."""

from __future__ import annotations

from torch import Tensor, nn

from tuneyard.datasets import images
from tuneyard.spaces.tasks.mnist_resnet import DESCRIPTION, MnistResnetSpace
from tuneyard.trainables.layers.blocks import convolution
from tuneyard.trainables.problems.images import ClassificationTask


class Residual(nn.Module):
    """Two 3 x 3 convolutions with a skip connection: (B, channels, H, W) to the same shape."""

    def __init__(self, config: MnistResnetSpace, channels: int) -> None:
        super().__init__()

        def layer(size: int) -> nn.Module:
            return convolution(channels, channels, size, padding=True, batch_norm=config.batch_norm)

        self.layers = nn.Sequential(layer(3), nn.ReLU(), layer(3))
        self.skip = layer(1) if config.skip == "projection" else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """The ReLU of the sum of both paths."""
        total: Tensor = self.skip(images) + self.layers(images)
        return total.relu()


class ResNet(nn.Sequential):
    """Maps images (B, 1, 28, 28) to logits (B, 10)."""

    def __init__(self, config: MnistResnetSpace) -> None:
        layers: list[nn.Module] = []
        channels, size = 1, images.SIZE
        for width in (config.first_channels, config.second_channels):
            layers += [
                convolution(channels, width, 5, padding=False, batch_norm=config.batch_norm),
                nn.MaxPool2d(2),
                nn.ReLU(),
                *(Residual(config, width) for _ in range(config.blocks)),
            ]
            channels, size = width, (size - 4) // 2
        head = nn.Linear(channels * size**2, images.CLASSES)
        super().__init__(*layers, nn.Flatten(), nn.Dropout(config.dropout), head)


class MnistResnet(ClassificationTask[MnistResnetSpace]):
    """Classification into ten classes, ranked by accuracy."""

    description = DESCRIPTION

    def network(self, config: MnistResnetSpace) -> ResNet:
        """See `ClassificationTask.network`."""
        return ResNet(config)


TASK = MnistResnet()
