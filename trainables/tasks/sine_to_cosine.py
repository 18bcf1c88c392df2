"""Task ``sine-to-cosine``: a cosine from the sine, by a network that keeps its state."""

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

LEAD_IN = 10  # samples, half a period: a single sine value does not determine the cosine


class Regressor(nn.Module):
    """Maps sines (B, T) and the state before them to cosines (B, T) and the state after them."""

    def __init__(self, config: SineToCosineSpace) -> None:
        super().__init__()
        self.layers = build_recurrent(
            config.cell, 1, config.hidden_size, config.num_layers, dropout=0.0
        )
        self.head = nn.Linear(config.hidden_size, 1)

    def forward(self, sines: Tensor, state: State | None) -> tuple[Tensor, State]:
        """The cosines and the state; `state` is None for zeros, and a pair for an LSTM."""
        outputs, state = self.layers(sines[..., None], state)
        return self.head(outputs)[..., 0], state


class SineToCosineProblem(Problem):
    """One series per split; training passes through it window by window.

    This is truncated backpropagation through time (Williams and Peng, 1990): each window starts
    from the final state of the previous one, detached from its gradient. An epoch starts from a
    state of zeros, so a checkpoint between epochs need not contain a state.
    """

    model: Regressor

    def __init__(self, config: SineToCosineSpace, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self._time_step = config.time_step
        self._state: State | None = None
        self.model = Regressor(config).to(device)

    def build_tensors(self, split: Split) -> Batch:
        """`sine` (T,) and `cosine` (T,), in time order.

        Raises:
            ValueError: The split is not longer than the lead-in.
        """
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
        """Windows of `time_step` samples in time order; the last one may be shorter."""
        self._state = None
        windows = {
            name: series.split(self._time_step) for name, series in self.tensors("train").items()
        }
        for sine, cosine in zip(windows["sine"], windows["cosine"], strict=True):
            yield {"sine": sine, "cosine": cosine}

    def loss(self, batch: Batch) -> Tensor:
        """The mean squared error of a window; keeps the state for the next window."""
        answer, state = self.model(batch["sine"][None], self._state)
        self._state = _detached(state)
        return nn.functional.mse_loss(answer[0], batch["cosine"])

    def evaluate(self, batch: Batch) -> Metrics:
        """The ``loss``: the mean squared error from a state of zeros, after half a period."""
        answer, _ = self.model(batch["sine"][None], None)
        return {"loss": nn.functional.mse_loss(answer[0, LEAD_IN:], batch["cosine"][LEAD_IN:])}

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from sines (B, 20), one period from a state of zeros, to cosines (B, 20)."""
        sines = self._data.arrays["sine"]
        return ExportedRegressor(self.model).cpu().eval(), np.stack([sines[:20], sines[5:25]])


class ExportedRegressor(nn.Module):
    """The network from a state of zeros, without the final state as output."""

    def __init__(self, model: Regressor) -> None:
        super().__init__()
        self.model = model

    def forward(self, sines: Tensor) -> Tensor:
        """Maps sines (B, 20), whose angles are `STEP` apart, to their cosines."""
        cosines: Tensor = self.model(sines, None)[0]
        return cosines


def _detached(state: State) -> State:
    """A state detached from its gradient, in full precision even under autocast."""
    if isinstance(state, tuple):
        return state[0].detach().float(), state[1].detach().float()
    return state.detach().float()


class SineToCosine(Task[SineToCosineSpace]):
    """Sequence-to-sequence regression, ranked by the mean squared error at unseen phases."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Computes 50 samples per split."""
        return sine_to_cosine.load(data_dir)

    def problem(
        self, config: SineToCosineSpace, data: Dataset, device: torch.device
    ) -> SineToCosineProblem:
        """The series of each split and a fresh network."""
        return SineToCosineProblem(config, data, device)


TASK = SineToCosine()
