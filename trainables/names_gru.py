"""Task ``names-gru``: the country of a surname by a recurrent network over its letters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from tuneyard.datasets import Dataset, Part, names
from tuneyard.spaces.names_gru import NamesGruSpace
from tuneyard.trainables.padded import PaddedRecurrent
from tuneyard.trainables.recurrent import build_recurrent, last_states
from tuneyard.trainables.task import Batch, Metrics, Objective, Problem, Task

LETTERS = 128  # ASCII
BUCKET = 16  # batches that are sorted by length together


class Classifier(nn.Module):
    """Letters (B, T) and lengths (B,), longest first, to logits (B, classes)."""

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
        """Logits by country; `lengths` (int64) lie on the CPU."""
        embedded = self.dropout(self.embedding(letters))
        packed = pack_padded_sequence(embedded, lengths, batch_first=True)
        _, hidden = self.layers(packed)
        states = last_states(hidden, self.layers.bidirectional)
        logits: Tensor = self.head(self.dropout(states))
        return logits


class Names(Problem):
    """Names longest first; a batch holds names of about one length, cut to the longest."""

    model: Classifier

    def __init__(self, config: NamesGruSpace, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self.model = Classifier(config, len(data.classes)).to(device)

    def tensors(self, part: Part) -> Batch:
        """letters (B, T), label (B,), and length (B,) which stays on the CPU for packing."""
        rows = self._data.parts[part]
        lengths = self._data.arrays["length"][rows]
        order = np.argsort(-lengths, kind="stable")
        rows, lengths = rows[order], lengths[order]
        letters = self._data.arrays["name"][rows, : lengths[0]]
        return {
            "letters": torch.tensor(letters, device=self.device, dtype=torch.int64),
            "label": torch.tensor(self._data.arrays["label"][rows], device=self.device),
            "length": torch.tensor(lengths),
        }

    def batches(self, batch_size: int | None, generator: torch.Generator) -> Iterator[Batch]:
        """Shuffled batches of names of about one length.

        The rows are shuffled, sorted by length within buckets of some batches, and the batches
        shuffled again: little padding, and still no batch like another.
        """
        train = self.part("train")
        count = len(train["length"])
        size = batch_size or count
        shuffled = torch.randperm(count, generator=generator)
        batches: list[Tensor] = []
        for bucket in shuffled.split(size * BUCKET):
            longest_first = train["length"][bucket].argsort(descending=True, stable=True)
            batches += bucket[longest_first].split(size)
        for index in torch.randperm(len(batches), generator=generator).tolist():
            yield self._cut(batches[index])

    def _cut(self, rows: Tensor) -> Batch:
        train = self.part("train")
        lengths = train["length"][rows]
        there = rows.to(self.device)
        return {
            "letters": train["letters"][there, : int(lengths[0])],
            "label": train["label"][there],
            "length": lengths,
        }

    def loss(self, batch: Batch) -> Tensor:
        """Cross entropy over the countries."""
        logits = self.model(batch["letters"], batch["length"])
        return nn.functional.cross_entropy(logits, batch["label"])

    def evaluate(self, batch: Batch) -> Metrics:
        """``loss`` and ``accuracy``."""
        logits = self.model(batch["letters"], batch["length"])
        return {
            "loss": nn.functional.cross_entropy(logits, batch["label"]),
            "accuracy": (logits.argmax(1) == batch["label"]).float().mean(),
        }

    def serving(self) -> tuple[nn.Module, np.ndarray]:
        """(B, T) ASCII codes, zero padded, to the probability of each country (B, classes)."""
        longest = int(self._data.arrays["length"].max())
        examples = self._data.arrays["name"][:2, :longest].astype(np.int64)
        return Serving(self.model).cpu().eval(), examples


class Serving(nn.Module):
    """The classifier on zero-padded names in any order, ending in probabilities."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.embedding = model.embedding
        self.layers = PaddedRecurrent(model.layers)
        self.head = model.head

    def forward(self, letters: Tensor) -> Tensor:
        """ASCII codes (B, T), zero padded, to probabilities (B, classes)."""
        lengths = (letters > 0).sum(1).clamp(min=1)
        states = self.layers(self.embedding(letters), lengths)
        probabilities: Tensor = self.head(states).softmax(1)
        return probabilities


class NamesGru(Task[NamesGruSpace]):
    """Classification over 18 countries; accuracy."""

    name = "names-gru"
    objective = Objective("val_accuracy", "max")

    def load(self, data_dir: Path | None) -> Dataset:
        """13,374 surnames to train and validate on, 6,700 to test on."""
        return names.load(data_dir)

    def problem(self, config: NamesGruSpace, data: Dataset, device: torch.device) -> Names:
        """Names by length."""
        return Names(config, data, device)

    def encode(self, inputs: Sequence[object], shape: tuple[int, ...]) -> Sequence[object]:
        """Surnames in any script as ASCII codes, zero padded; codes stay as they are."""
        (width,) = shape
        return [names.encode(one, width) if isinstance(one, str) else one for one in inputs]


TASK = NamesGru()
