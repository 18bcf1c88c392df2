"""Task ``sine-to-cosine``: a cosine from its sine, by a network that carries its state along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Split, sine_to_cosine
from tuneyard.spaces.tasks.sine_to_cosine import DESCRIPTION, SineToCosineSpace
from tuneyard.trainables.layers.recurrent import build_recurrent
from tuneyard.trainables.problem import Batch, Metrics, Problem
from tuneyard.trainables.task import Task

State = Tensor | tuple[Tensor, Tensor]

LEAD_IN = 10  # samples, half a period: from one value alone no model can tell where it goes


class Follower(nn.Module):
    """Sines (B, T) and the state before them to cosines (B, T) and the state after them."""

    def __init__(self, config: SineToCosineSpace) -> None:
        super().__init__()
        self.layers = build_recurrent(
            config.cell, 1, config.hidden_size, config.num_layers, dropout=0.0
        )
        self.head = nn.Linear(config.hidden_size, 1)

    def forward(self, sines: Tensor, state: State | None) -> tuple[Tensor, State]:
        """`state` is None for zeros; an LSTM's is a pair."""
        outputs, state = self.layers(sines[..., None], state)
        return self.head(outputs)[..., 0], state


class SineToCosineProblem(Problem):
    """One series a split; training goes through it window by window.

    This is truncated backpropagation through time (Williams and Peng, 1990): each window begins
    with the state that the one before has left, cut off from its gradient. An epoch begins with a
    state of zeros, so that a checkpoint between epochs holds all that there is.
    """

    model: Follower

    def __init__(self, config: SineToCosineSpace, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self._time_step = config.time_step
        self._state: State | None = None
        self.model = Follower(config).to(device)

    def build_tensors(self, split: Split) -> Batch:
        """sine (T,) and cosine (T,) in order."""
        rows = self._data.splits[split]
        if len(rows) <= LEAD_IN:
            raise ValueError(
                f"the {split} split must have more than {LEAD_IN} samples, which lead in, "
                f"got {len(rows)}; search with fewer folds"
            )
        return {
            name: torch.tensor(self._data.arrays[name][rows], device=self.device)
            for name in ("sine", "cosine")
        }

    def batches(self, batch_size: int | None, generator: torch.Generator) -> Iterator[Batch]:
        """Windows of `time_step` samples in order, never shuffled; the last may be shorter."""
        self._state = None
        windows = {
            name: series.split(self._time_step) for name, series in self.tensors("train").items()
        }
        for sine, cosine in zip(windows["sine"], windows["cosine"], strict=True):
            yield {"sine": sine, "cosine": cosine}

    def loss(self, batch: Batch) -> Tensor:
        """Mean squared error of a window; keeps the state for the next one."""
        answer, state = self.model(batch["sine"][None], self._state)
        self._state = _detached(state)
        return nn.functional.mse_loss(answer[0], batch["cosine"])

    def evaluate(self, batch: Batch) -> Metrics:
        """``loss``: mean squared error from a state of zeros, after half a period's lead-in."""
        answer, _ = self.model(batch["sine"][None], None)
        return {"loss": nn.functional.mse_loss(answer[0, LEAD_IN:], batch["cosine"][LEAD_IN:])}

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """(B, 20) sines of one period, each series from a state of zeros, to cosines (B, 20)."""
        sines = self._data.arrays["sine"]
        return ExportedFollower(self.model).cpu().eval(), np.stack([sines[:20], sines[5:25]])


class ExportedFollower(nn.Module):
    """The follower without a state before, and without the one after."""

    def __init__(self, model: Follower) -> None:
        super().__init__()
        self.model = model

    def forward(self, sines: Tensor) -> Tensor:
        """Sines (B, 20), `STEP` apart, to their cosines."""
        cosines: Tensor = self.model(sines, None)[0]
        return cosines


def _detached(state: State) -> State:
    """A state cut off from its gradient, in full precision whatever autocast made of it."""
    if isinstance(state, tuple):
        return state[0].detach().float(), state[1].detach().float()
    return state.detach().float()


class SineToCosine(Task[SineToCosineSpace]):
    """Sequence to sequence regression; mean squared error at phases that were not trained on."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """50 samples a split, computed."""
        return sine_to_cosine.load(data_dir)

    def problem(
        self, config: SineToCosineSpace, data: Dataset, device: torch.device
    ) -> SineToCosineProblem:
        """The series of each split."""
        return SineToCosineProblem(config, data, device)


TASK = SineToCosine()
