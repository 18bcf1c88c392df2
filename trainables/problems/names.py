"""Shared by the tasks on surnames: batches of similar length, metrics and the text encoding."""

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
BUCKET = 16  # batches per bucket; the names of a bucket are sorted by length


class NamesProblem(Problem):
    """Surnames, longest first; a batch has names of similar length, cropped to the longest.

    Args:
        model: The network, with its initial weights.
        data: The surnames.
        device: The device of the tensors and the model.
    """

    def __init__(self, model: nn.Module, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self.model = model.to(device)

    @abstractmethod
    def logits(self, batch: Batch) -> Tensor:
        """The logits of the countries, (B, classes); see `build_tensors` for the batch."""

    def build_tensors(self, split: Split) -> Batch:
        """`letters` (B, T), `label` (B,), and `length` (B,), which stays on the CPU for packing."""
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
        """Shuffled batches of names of similar length; see `Problem.batches`.

        The rows are shuffled and then sorted by length within buckets of 16 batches, and the
        batches are shuffled again. This keeps padding low, while batches differ between epochs.
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
            yield self._batch_of(batches[index])

    def _batch_of(self, rows: Tensor) -> Batch:
        train = self.tensors("train")
        lengths = train["length"][rows]
        device_rows = rows.to(self.device)
        return {
            "letters": train["letters"][device_rows, : int(lengths[0])],
            "label": train["label"][device_rows],
            "length": lengths,
        }

    def loss(self, batch: Batch) -> Tensor:
        """Cross entropy over the countries."""
        return nn.functional.cross_entropy(self.logits(batch), batch["label"])

    def evaluate(self, batch: Batch) -> Metrics:
        """``loss`` and ``accuracy``."""
        return classification_metrics(self.logits(batch), batch["label"])

    def examples(self) -> np.ndarray:
        """Two names as exported models read them: (2, longest) int64 ASCII codes, zero-padded."""
        longest = int(self._data.arrays["length"].max())
        return self._data.arrays["name"][:2, :longest].astype(np.int64)


class NamesTask(Task[ConfigT]):
    """Classification of surnames into 18 countries, ranked by accuracy."""

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Loads 13,374 surnames for training and validation, and 6,700 for testing."""
        return names.load(data_dir)

    def encode(self, inputs: Sequence[object], shape: tuple[int, ...]) -> Sequence[object]:
        """Turns surnames in any script into zero-padded ASCII codes; keeps codes unchanged."""
        (width,) = shape
        return [names.encode(item, width) if isinstance(item, str) else item for item in inputs]
