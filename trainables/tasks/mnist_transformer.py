"""Task ``mnist-transformer``: the class of an image by attention over its rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset
from tuneyard.datasets.images import CLASSES, SIZE
from tuneyard.spaces.tasks.mnist_transformer import DESCRIPTION, MnistTransformerSpace
from tuneyard.trainables.layers.encoder import Encoder
from tuneyard.trainables.problems.images import ClassificationProblem, ImageTask


class RowEncoder(nn.Module):
    """Images (B, 1, 28, 28), each row one position of a sequence, to logits (B, 10)."""

    def __init__(self, config: MnistTransformerSpace) -> None:
        super().__init__()
        self.embedding = nn.Linear(SIZE, config.width)
        self.encoder = Encoder(config, longest=SIZE)
        self.head = nn.Linear(config.width, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Logits by class."""
        logits: Tensor = self.head(self.encoder(self.embedding(images[:, 0])))
        return logits


class MnistTransformer(ImageTask[MnistTransformerSpace]):
    """Classification of images of 28 x 28 in ten classes; accuracy."""

    description = DESCRIPTION

    def problem(
        self, config: MnistTransformerSpace, data: Dataset, device: torch.device
    ) -> ClassificationProblem:
        """Images scaled by the training split."""
        return ClassificationProblem(RowEncoder(config), data, device, config.augmentation)


TASK = MnistTransformer()
