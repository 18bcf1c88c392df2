"""Task ``hello-rnn``: "hello" to "ohlol", letter by letter, by a recurrent network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Split, hello
from tuneyard.spaces.tasks.hello_rnn import DESCRIPTION, Embedding, HelloRnnSpace
from tuneyard.trainables.layers.recurrent import Cell, build_recurrent
from tuneyard.trainables.problem import Batch, Metrics, Problem
from tuneyard.trainables.task import Task

_CELLS: dict[Cell, type[nn.RNNCell] | type[nn.GRUCell] | type[nn.LSTMCell]] = {
    "rnn": nn.RNNCell,
    "gru": nn.GRUCell,
    "lstm": nn.LSTMCell,
}


class CellByCell(nn.Module):
    """Stacked recurrent layers, run one cell and one step at a time.

    The same function as `build_recurrent` without dropout; the same seed gives the same weights.
    """

    def __init__(self, cell: Cell, input_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        widths = [input_size] + [hidden_size] * (num_layers - 1)
        self.cells = nn.ModuleList(_CELLS[cell](width, hidden_size) for width in widths)
        self._is_lstm = cell == "lstm"

    def forward(self, inputs: Tensor) -> tuple[Tensor, None]:
        """(B, T, input_size) to the last layer's states (B, T, hidden_size), as a stack does."""
        steps = list(inputs.unbind(1))
        for cell in self.cells:
            state = None
            for time, step in enumerate(steps):
                state = cell(step, state)
                steps[time] = state[0] if self._is_lstm else state
        return torch.stack(steps, 1), None


class Speller(nn.Module):
    """Letters (B, T) to logits of the answer's letters (B, T, letters).

    Attributes:
        tried: Epochs that began before the word was spelled right.
        solved: Whether it was spelled right when an epoch began.
    """

    tried: Tensor
    solved: Tensor

    def __init__(self, config: HelloRnnSpace, letters: int) -> None:
        super().__init__()
        self.letters = letters
        is_embedding = isinstance(config.encoding, Embedding)
        width = config.encoding.size if isinstance(config.encoding, Embedding) else letters
        self.embedding = nn.Embedding(letters, width) if is_embedding else None
        layers = (config.cell, width, config.hidden_size, config.num_layers)
        self.layers = (
            CellByCell(*layers)
            if config.unroll == "cells"
            else build_recurrent(*layers, dropout=0.0)
        )
        self.head = nn.Linear(config.hidden_size, letters)
        # buffers, so that a checkpoint and the best epoch's weights hold them
        self.register_buffer("tried", torch.zeros(()))
        self.register_buffer("solved", torch.zeros((), dtype=torch.bool))

    def forward(self, words: Tensor) -> Tensor:
        """One logit for each letter, at each step."""
        if self.embedding is not None:
            inputs = self.embedding(words)
        else:
            inputs = nn.functional.one_hot(words, self.letters).to(self.head.weight.dtype)
        outputs, _ = self.layers(inputs)
        logits: Tensor = self.head(outputs)
        return logits


class HelloProblem(Problem):
    """The one pair; the model counts the epochs until it spells the answer."""

    model: Speller

    def __init__(self, config: HelloRnnSpace, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self.model = Speller(config, len(data.classes)).to(device)

    def build_tensors(self, split: Split) -> Batch:
        """word (B, 5) and answer (B, 5), places in the alphabet."""
        rows = self._data.splits[split]
        return {
            name: torch.tensor(self._data.arrays[name][rows], device=self.device)
            for name in ("word", "answer")
        }

    def batches(self, batch_size: int | None, generator: torch.Generator) -> Iterator[Batch]:
        """See `Problem.batches`; an epoch that begins unsolved counts."""
        with torch.no_grad():
            self.model.solved |= self._spelled(self.tensors("train"))
            self.model.tried += ~self.model.solved
        yield from super().batches(batch_size, generator)

    def _spelled(self, batch: Batch) -> Tensor:
        """Whether every letter of every row is right; a scalar on the device."""
        logits: Tensor = self.model(batch["word"])
        return (logits.argmax(2) == batch["answer"]).all()

    def loss(self, batch: Batch) -> Tensor:
        """Cross entropy over the letters, mean over the steps."""
        logits = self.model(batch["word"])
        return nn.functional.cross_entropy(logits.flatten(0, 1), batch["answer"].flatten())

    def evaluate(self, batch: Batch) -> Metrics:
        """``loss``; ``accuracy`` by letter, in [0, 1]; ``epochs_to_solve``.

        The word is solved once every letter is right at the end of an epoch. As long as it is not,
        `epochs_to_solve` is one more than the epochs so far: 16 after 15 epochs means unsolved. The
        course prints what it predicts before each step, so its epoch 10 is epoch 9 here.
        """
        logits = self.model(batch["word"])
        right = logits.argmax(2) == batch["answer"]
        unsolved = ~(self.model.solved | right.all())
        return {
            "loss": nn.functional.cross_entropy(logits.flatten(0, 1), batch["answer"].flatten()),
            "accuracy": right.float().mean(),
            "epochs_to_solve": self.model.tried + unsolved,
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """(B, 5) places in the alphabet to the probability of each letter (B, 5, letters)."""
        module = nn.Sequential(self.model, nn.Softmax(-1)).cpu().eval()
        return module, self._data.arrays["word"][:2]


class HelloRnn(Task[HelloRnnSpace]):
    """Learning one pair of words by heart; cross entropy after 15 epochs, and epochs to solve."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """The one pair, from the package."""
        return hello.load(data_dir)

    def problem(self, config: HelloRnnSpace, data: Dataset, device: torch.device) -> HelloProblem:
        """The pair as places in the alphabet."""
        return HelloProblem(config, data, device)

    def encode(self, inputs: Sequence[object], shape: tuple[int, ...]) -> Sequence[object]:
        """Words of the letters e, h, l and o as places in the alphabet; places stay as they are."""
        return [hello.encode(one) if isinstance(one, str) else one for one in inputs]


TASK = HelloRnn()
