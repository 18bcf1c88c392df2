"""Task ``sine-forecast``: the next value of a sine, and a free run on its own forecasts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Split, sine_forecast
from tuneyard.spaces.tasks.sine_forecast import DESCRIPTION, SineForecastSpace
from tuneyard.trainables.layers.recurrent import build_recurrent
from tuneyard.trainables.problem import Batch, Metrics, Problem
from tuneyard.trainables.task import Task

GIVEN = 10  # values that a free run starts from; a single value would fit two phases


class Forecaster(nn.Module):
    """Maps values (B, T) to forecasts of the value after each of them (B, T)."""

    def __init__(self, config: SineForecastSpace) -> None:
        super().__init__()
        self.layers = build_recurrent(
            config.cell, 1, config.hidden_size, config.num_layers, dropout=0.0
        )
        if config.init_std is not None:
            for parameter in self.layers.parameters():
                nn.init.normal_(parameter, std=config.init_std)
        self.head = nn.Linear(config.hidden_size, 1)

    def forward(self, values: Tensor) -> Tensor:
        """The forecasts one step ahead, at each step."""
        outputs, _ = self.layers(values[..., None])
        forecasts: Tensor = self.head(outputs)[..., 0]
        return forecasts

    def run_freely(self, values: Tensor, steps: int) -> Tensor:
        """Continues values (B, T) by `steps` forecasts (B, steps), each from those before it."""
        outputs, state = self.layers(values[..., None])
        forecast = self.head(outputs[:, -1:])
        forecasts = [forecast]
        for _ in range(steps - 1):
            outputs, state = self.layers(forecast, state)
            forecast = self.head(outputs)
            forecasts.append(forecast)
        return torch.cat(forecasts, 1)[..., 0]


class SineForecastProblem(Problem):
    """The segments of each split, unchanged."""

    model: Forecaster

    def __init__(self, config: SineForecastSpace, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self.model = Forecaster(config).to(device)

    def build_tensors(self, split: Split) -> Batch:
        """`sine` (B, 50)."""
        rows = self._data.splits[split]
        return {"sine": torch.tensor(self._data.arrays["sine"][rows], device=self.device)}

    def loss(self, batch: Batch) -> Tensor:
        """The mean squared error one step ahead, over all steps."""
        values = batch["sine"]
        return nn.functional.mse_loss(self.model(values[:, :-1]), values[:, 1:])

    def evaluate(self, batch: Batch) -> Metrics:
        """The ``loss``, and ``free_run_mse`` over the 40 values after the first 10."""
        given, rest = batch["sine"][:, :GIVEN], batch["sine"][:, GIVEN:]
        forecasts = self.model.run_freely(given, rest.shape[1])
        return {
            "loss": self.loss(batch),
            "free_run_mse": nn.functional.mse_loss(forecasts, rest),
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from 10 values (B, 10) to the 40 values after them (B, 40)."""
        sine = self._data.arrays["sine"][:2]
        module = FreeRun(self.model, sine.shape[1] - GIVEN).cpu().eval()
        return module, sine[:, :GIVEN]


class FreeRun(nn.Module):
    """The forecaster with its own forecasts as input."""

    def __init__(self, model: Forecaster, steps: int) -> None:
        super().__init__()
        self.model = model
        self.steps = steps

    def forward(self, values: Tensor) -> Tensor:
        """Maps values (B, 10), 10 / 49 radians apart, to the `steps` values after them."""
        return self.model.run_freely(values, self.steps)


class SineForecast(Task[SineForecastSpace]):
    """Forecasts of a sine of unknown phase, ranked by the mean squared error of the free run."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Computes 200 segments of 50 values."""
        return sine_forecast.load(data_dir)

    def problem(
        self, config: SineForecastSpace, data: Dataset, device: torch.device
    ) -> SineForecastProblem:
        """The segments of each split and a fresh network."""
        return SineForecastProblem(config, data, device)


TASK = SineForecast()
