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
    """Stacked recurrent layers that run one cell and one step at a time.

    The layers compute the same function as those of `build_recurrent` without dropout, and the same
    seed gives the same weights.
    """

    def __init__(self, cell: Cell, input_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        widths = [input_size] + [hidden_size] * (num_layers - 1)
        self.cells = nn.ModuleList(_CELLS[cell](width, hidden_size) for width in widths)
        self._is_lstm = cell == "lstm"

    def forward(self, inputs: Tensor) -> tuple[Tensor, None]:
        """Maps (B, T, input_size) to the last layer's states (B, T, hidden_size), and None.

        The pair has the form of the output of torch's recurrent layers.
        """
        steps = list(inputs.unbind(1))
        for cell in self.cells:
            state = None
            for time, step in enumerate(steps):
                state = cell(step, state)
                steps[time] = state[0] if self._is_lstm else state
        return torch.stack(steps, 1), None


class Speller(nn.Module):
    """Maps letters (B, T) to logits of the answer's letters (B, T, letters).

    Attributes:
        tried: The number of epochs that began before the answer was spelled correctly.
        solved: Whether the answer was spelled correctly at the beginning of some epoch.
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
        # buffers, so that checkpoints and the weights of the best epoch contain them
        self.register_buffer("tried", torch.zeros(()))
        self.register_buffer("solved", torch.zeros((), dtype=torch.bool))

    def forward(self, words: Tensor) -> Tensor:
        """One logit per letter of the alphabet, at each step."""
        if self.embedding is not None:
            inputs = self.embedding(words)
        else:
            inputs = nn.functional.one_hot(words, self.letters).to(self.head.weight.dtype)
        outputs, _ = self.layers(inputs)
        logits: Tensor = self.head(outputs)
        return logits


class HelloProblem(Problem):
    """The pair of words; the model counts the epochs until it spells the answer."""

    model: Speller

    def __init__(self, config: HelloRnnSpace, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self.model = Speller(config, len(data.classes)).to(device)

    def build_tensors(self, split: Split) -> Batch:
        """`word` (B, 5) and `answer` (B, 5), as indices of letters in the alphabet."""
        rows = self._data.splits[split]
        return {
            name: torch.tensor(self._data.arrays[name][rows], device=self.device)
            for name in ("word", "answer")
        }

    def batches(self, batch_size: int | None, generator: torch.Generator) -> Iterator[Batch]:
        """See `Problem.batches`; also counts the epoch if the answer is not yet correct."""
        with torch.no_grad():
            self.model.solved |= self._is_correct(self.tensors("train"))
            self.model.tried += ~self.model.solved
        yield from super().batches(batch_size, generator)

    def _is_correct(self, batch: Batch) -> Tensor:
        """Whether every letter of every row is correct, a scalar on the device."""
        logits: Tensor = self.model(batch["word"])
        return (logits.argmax(2) == batch["answer"]).all()

    def loss(self, batch: Batch) -> Tensor:
        """The cross entropy over the letters, averaged over the steps."""
        logits = self.model(batch["word"])
        return nn.functional.cross_entropy(logits.flatten(0, 1), batch["answer"].flatten())

    def evaluate(self, batch: Batch) -> Metrics:
        """The ``loss``; the ``accuracy`` over letters, in [0, 1]; and ``epochs_to_solve``.

        The task is solved once every letter is correct at the end of an epoch. Until then,
        `epochs_to_solve` is one more than the number of epochs so far: 16 after 15 epochs means
        unsolved. The course prints its prediction before each step, so its epoch 10 is epoch 9
        here.
        """
        logits = self.model(batch["word"])
        correct = logits.argmax(2) == batch["answer"]
        unsolved = ~(self.model.solved | correct.all())
        return {
            "loss": nn.functional.cross_entropy(logits.flatten(0, 1), batch["answer"].flatten()),
            "accuracy": correct.float().mean(),
            "epochs_to_solve": self.model.tried + unsolved,
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from indices (B, 5) to the probability of each letter (B, 5, letters)."""
        module = nn.Sequential(self.model, nn.Softmax(-1)).cpu().eval()
        return module, self._data.arrays["word"][:2]


class HelloRnn(Task[HelloRnnSpace]):
    """Memorizing one pair of words, ranked by cross entropy; also measures the epochs to solve."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Loads the pair of words, which the package contains."""
        return hello.load(data_dir)

    def problem(self, config: HelloRnnSpace, data: Dataset, device: torch.device) -> HelloProblem:
        """The pair of words as indices of letters, and a fresh network."""
        return HelloProblem(config, data, device)

    def encode(self, inputs: Sequence[object], shape: tuple[int, ...]) -> Sequence[object]:
        """Turns words of the letters e, h, l and o into indices; keeps indices unchanged."""
        return [hello.encode(item) if isinstance(item, str) else item for item in inputs]


TASK = HelloRnn()
