"""What the tasks on the surnames share: batches of about one length, measures, inputs as text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Split, names
from tuneyard.trainables.layers.metrics import classification_metrics
from tuneyard.trainables.problem import Batch, Metrics, Problem
from tuneyard.trainables.task import ConfigT, Task

LETTERS = 128  # ASCII
BUCKET = 16  # batches that are sorted by length together


class NamesProblem(Problem):
    """Names longest first; a batch holds names of about one length, cut to the longest.

    Args:
        model: The network, fresh.
        data: The surnames.
        device: Where.
    """

    def __init__(self, model: nn.Module, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self.model = model.to(device)

    @abstractmethod
    def logits(self, batch: Batch) -> Tensor:
        """Logits by country (B, classes) of a batch as `tensors` describes it."""

    def build_tensors(self, split: Split) -> Batch:
        """letters (B, T), label (B,), and length (B,) which stays on the CPU for packing."""
        rows = self._data.splits[split]
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
        train = self.tensors("train")
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
        train = self.tensors("train")
        lengths = train["length"][rows]
        there = rows.to(self.device)
        return {
            "letters": train["letters"][there, : int(lengths[0])],
            "label": train["label"][there],
            "length": lengths,
        }

    def loss(self, batch: Batch) -> Tensor:
        """Cross entropy over the countries."""
        return nn.functional.cross_entropy(self.logits(batch), batch["label"])

    def evaluate(self, batch: Batch) -> Metrics:
        """``loss`` and ``accuracy``."""
        return classification_metrics(self.logits(batch), batch["label"])

    def examples(self) -> np.ndarray:
        """Two names as a served model reads them: (2, longest) int64 ASCII codes, zero padded."""
        longest = int(self._data.arrays["length"].max())
        return self._data.arrays["name"][:2, :longest].astype(np.int64)


class NamesTask(Task[ConfigT]):
    """Classification over 18 countries; accuracy."""

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """13,374 surnames to train and validate on, 6,700 to test on."""
        return names.load(data_dir)

    def encode(self, inputs: Sequence[object], shape: tuple[int, ...]) -> Sequence[object]:
        """Surnames in any script as ASCII codes, zero padded; codes stay as they are."""
        (width,) = shape
        return [names.encode(one, width) if isinstance(one, str) else one for one in inputs]
