"""Task ``names-gru``: classification of surnames by a recurrent network over their letters."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from tuneyard.datasets import Dataset
from tuneyard.spaces.tasks.names_gru import DESCRIPTION, NamesGruSpace
from tuneyard.trainables.layers.packed_gru import packed_gru
from tuneyard.trainables.layers.padded import PaddedRecurrent
from tuneyard.trainables.layers.recurrent import build_recurrent, last_states
from tuneyard.trainables.problem import Batch
from tuneyard.trainables.problems.names import LETTERS, NamesProblem, NamesTask


class Classifier(nn.Module):
    """Maps letters (B, T) and lengths (B,), longest first, to logits (B, classes)."""

    def __init__(self, config: NamesGruSpace, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(LETTERS, config.embedding_size)
        self.layers = build_recurrent(
            config.cell,
            config.embedding_size,
            config.hidden_size,
            config.num_layers,
            dropout=config.dropout,
            bidirectional=config.bidirectional,
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.hidden_size * (1 + config.bidirectional), classes)

    def forward(self, letters: Tensor, lengths: Tensor) -> Tensor:
        """The logits of the countries; `lengths` (int64) must be on the CPU."""
        packed = pack_padded_sequence(letters, lengths, batch_first=True)
        logits: Tensor = self.head(self.dropout(self._states(packed)))
        return logits

    def _states(self, packed: PackedSequence) -> Tensor:
        """The final states of the last layer, both directions side by side."""
        letters, sizes = packed.data, packed.batch_sizes
        gru = self.layers if isinstance(self.layers, nn.GRU) and letters.is_cpu else None
        if gru is not None and not (self.training and self.dropout.p > 0):
            # without dropout, a letter has the same embedding at all positions
            return packed_gru(gru, self.embedding.weight, sizes, letters)
        embedded = self.dropout(self.embedding(letters))
        if gru is not None:
            return packed_gru(gru, embedded, sizes)
        _, hidden = self.layers(PackedSequence(embedded, sizes))
        return last_states(hidden, self.layers.bidirectional)


class NamesGruProblem(NamesProblem):
    """Surnames as packed sequences."""

    model: Classifier

    def __init__(self, config: NamesGruSpace, data: Dataset, device: torch.device) -> None:
        super().__init__(Classifier(config, len(data.classes)), data, device)

    def logits(self, batch: Batch) -> Tensor:
        """The logits of the countries, (B, classes)."""
        logits: Tensor = self.model(batch["letters"], batch["length"])
        return logits

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from zero-padded ASCII codes (B, T) to country probabilities (B, classes)."""
        return ExportedClassifier(self.model).cpu().eval(), self.examples()


class ExportedClassifier(nn.Module):
    """The classifier for zero-padded names in any order, with probabilities as output."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.embedding = model.embedding
        self.layers = PaddedRecurrent(model.layers)
        self.head = model.head

    def forward(self, letters: Tensor) -> Tensor:
        """Maps zero-padded ASCII codes (B, T) to probabilities (B, classes)."""
        lengths = (letters > 0).sum(1).clamp(min=1)
        states = self.layers(self.embedding(letters), lengths)
        probabilities: Tensor = self.head(states).softmax(1)
        return probabilities


class NamesGru(NamesTask[NamesGruSpace]):
    """Classification of surnames by a recurrent network."""

    description = DESCRIPTION

    def problem(
        self, config: NamesGruSpace, data: Dataset, device: torch.device
    ) -> NamesGruProblem:
        """The surnames, longest first, and a fresh network."""
        return NamesGruProblem(config, data, device)


TASK = NamesGru()
