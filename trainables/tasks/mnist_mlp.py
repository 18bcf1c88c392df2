"""Task ``mnist-mlp``: classification of images by a multilayer perceptron over their pixels."""

from __future__ import annotations

from torch import nn

from tuneyard.datasets import images
from tuneyard.spaces.tasks.mnist_mlp import DESCRIPTION, MnistMlpSpace
from tuneyard.trainables.layers.blocks import hidden_layers
from tuneyard.trainables.problems.images import ClassificationTask


class Perceptron(nn.Sequential):
    """Maps images (B, 1, 28, 28) to logits (B, 10)."""

    def __init__(self, config: MnistMlpSpace) -> None:
        pixels = images.SIZE**2
        hidden = hidden_layers(
            pixels,
            config.hidden_sizes,
            config.activation,
            batch_norm=config.batch_norm,
            dropout=config.dropout,
        )
        last = config.hidden_sizes[-1]
        super().__init__(nn.Flatten(), *hidden, nn.Linear(last, images.CLASSES))


class MnistMlp(ClassificationTask[MnistMlpSpace]):
    """Classification into ten classes, ranked by accuracy."""

    description = DESCRIPTION

    def network(self, config: MnistMlpSpace) -> Perceptron:
        """See `ClassificationTask.network`."""
        return Perceptron(config)


TASK = MnistMlp()
