"""Task ``mnist-cnn``: classification of images by a convolutional network."""

from __future__ import annotations

from torch import nn

from tuneyard.datasets import images
from tuneyard.spaces.tasks.mnist_cnn import DESCRIPTION, MnistCnnSpace
from tuneyard.trainables.layers.activations import build_activation
from tuneyard.trainables.layers.blocks import build_pooling, convolution, hidden_layers
from tuneyard.trainables.problems.images import ClassificationTask


class ConvNet(nn.Sequential):
    """Maps images (B, 1, 28, 28) to logits (B, 10)."""

    def __init__(self, config: MnistCnnSpace) -> None:
        layers: list[nn.Module] = []
        size, channels = images.SIZE, 1
        for out_channels in config.channels:
            # e.g. three 5 x 5 convolutions without padding would leave no pixel of 28 x 28
            padding = config.padding or size - config.kernel_size + 1 < 2
            layers += [
                convolution(
                    channels,
                    out_channels,
                    config.kernel_size,
                    padding=padding,
                    batch_norm=config.batch_norm,
                ),
                build_pooling(config.pooling),
                build_activation(config.activation),
            ]
            size = (size if padding else size - config.kernel_size + 1) // 2
            channels = out_channels
        layers.append(nn.Flatten())
        if config.dropout:
            layers.append(nn.Dropout(config.dropout))
        layers += hidden_layers(
            channels * size**2,
            config.head_sizes,
            config.activation,
            batch_norm=config.batch_norm,
            dropout=config.dropout,
        )
        last = (channels * size**2, *config.head_sizes)[-1]
        super().__init__(*layers, nn.Linear(last, images.CLASSES))


class MnistCnn(ClassificationTask[MnistCnnSpace]):
    """Classification into ten classes, ranked by accuracy."""

    description = DESCRIPTION

    def network(self, config: MnistCnnSpace) -> ConvNet:
        """See `ClassificationTask.network`."""
        return ConvNet(config)


TASK = MnistCnn()
