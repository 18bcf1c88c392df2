"""Task ``mnist-transformer``: classification of images by attention over their rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset
from tuneyard.datasets.images import CLASSES, SIZE
from tuneyard.spaces.tasks.mnist_transformer import DESCRIPTION, MnistTransformerSpace
from tuneyard.trainables.layers.encoder import Encoder
from tuneyard.trainables.problems.images import ClassificationProblem, ImageTask


class RowEncoder(nn.Module):
    """Maps images (B, 1, 28, 28), read as sequences of rows, to logits (B, 10)."""

    def __init__(self, config: MnistTransformerSpace) -> None:
        super().__init__()
        self.embedding = nn.Linear(SIZE, config.width)
        self.encoder = Encoder(config, longest=SIZE)
        self.head = nn.Linear(config.width, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """The logits of the classes."""
        logits: Tensor = self.head(self.encoder(self.embedding(images[:, 0])))
        return logits


class MnistTransformer(ImageTask[MnistTransformerSpace]):
    """Classification into ten classes, ranked by accuracy."""

    description = DESCRIPTION

    def problem(
        self, config: MnistTransformerSpace, data: Dataset, device: torch.device
    ) -> ClassificationProblem:
        """The images, scaled by statistics of the training split, and a fresh encoder."""
        return ClassificationProblem(RowEncoder(config), data, device, config.augmentation)


TASK = MnistTransformer()
