"""Task ``names-transformer``: classification of surnames by attention over their letters."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset
from tuneyard.spaces.tasks.names_transformer import DESCRIPTION, NamesTransformerSpace
from tuneyard.trainables.layers.encoder import Encoder
from tuneyard.trainables.problem import Batch
from tuneyard.trainables.problems.names import LETTERS, NamesProblem, NamesTask


class Classifier(nn.Module):
    """Maps zero-padded letters (B, T), T at most `longest`, to logits (B, classes)."""

    def __init__(self, config: NamesTransformerSpace, longest: int, classes: int) -> None:
        super().__init__()
        # torch initializes it at the scale that the paper reaches by a factor of sqrt(width)
        self.embedding = nn.Embedding(LETTERS, config.width)
        self.encoder = Encoder(config, longest)
        self.head = nn.Linear(config.width, classes)

    def forward(self, letters: Tensor) -> Tensor:
        """The logits of the countries, (B, classes)."""
        lengths = (letters > 0).sum(1, keepdim=True).clamp(min=1)
        present = torch.arange(letters.shape[1], device=letters.device) < lengths
        logits: Tensor = self.head(self.encoder(self.embedding(letters), present))
        return logits


class NamesTransformerProblem(NamesProblem):
    """Surnames as padded sequences with a mask."""

    def __init__(self, config: NamesTransformerSpace, data: Dataset, device: torch.device) -> None:
        longest = data.arrays["name"].shape[1]
        super().__init__(Classifier(config, longest, len(data.classes)), data, device)

    def logits(self, batch: Batch) -> Tensor:
        """The logits of the countries, (B, classes)."""
        logits: Tensor = self.model(batch["letters"])
        return logits

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from zero-padded ASCII codes (B, T) to country probabilities (B, classes)."""
        return nn.Sequential(self.model, nn.Softmax(1)).cpu().eval(), self.examples()


class NamesTransformer(NamesTask[NamesTransformerSpace]):
    """Classification of surnames by a Transformer encoder."""

    description = DESCRIPTION

    def problem(
        self, config: NamesTransformerSpace, data: Dataset, device: torch.device
    ) -> NamesTransformerProblem:
        """The surnames, longest first, and a fresh network."""
        return NamesTransformerProblem(config, data, device)


TASK = NamesTransformer()
