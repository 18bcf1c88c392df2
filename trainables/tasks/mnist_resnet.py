"""Task ``mnist-resnet``: the class of an image by residual blocks."""

from __future__ import annotations

from torch import Tensor, nn

from tuneyard.datasets import images
from tuneyard.spaces.tasks.mnist_resnet import DESCRIPTION, MnistResnetSpace
from tuneyard.trainables.layers.blocks import convolution
from tuneyard.trainables.problems.images import ClassificationTask


class Residual(nn.Module):
    """Two convolutions of 3 x 3 beside a skip: (B, channels, H, W) to the same shape."""

    def __init__(self, config: MnistResnetSpace, channels: int) -> None:
        super().__init__()

        def kernel(size: int) -> nn.Module:
            return convolution(channels, channels, size, padding=True, batch_norm=config.batch_norm)

        self.layers = nn.Sequential(kernel(3), nn.ReLU(), kernel(3))
        self.skip = kernel(1) if config.skip == "projection" else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """The sum of both ways, after a ReLU."""
        total: Tensor = self.skip(images) + self.layers(images)
        return total.relu()


class ResNet(nn.Sequential):
    """Images (B, 1, 28, 28) to logits (B, 10)."""

    def __init__(self, config: MnistResnetSpace) -> None:
        layers: list[nn.Module] = []
        channels, size = 1, images.SIZE
        for wanted in (config.first_channels, config.second_channels):
            layers += [
                convolution(channels, wanted, 5, padding=False, batch_norm=config.batch_norm),
                nn.MaxPool2d(2),
                nn.ReLU(),
                *(Residual(config, wanted) for _ in range(config.blocks)),
            ]
            channels, size = wanted, (size - 4) // 2
        head = nn.Linear(channels * size**2, images.CLASSES)
        super().__init__(*layers, nn.Flatten(), nn.Dropout(config.dropout), head)


class MnistResnet(ClassificationTask[MnistResnetSpace]):
    """Classification over ten classes; accuracy."""

    description = DESCRIPTION

    def network(self, config: MnistResnetSpace) -> ResNet:
        """See `ClassificationTask.network`."""
        return ResNet(config)


TASK = MnistResnet()
