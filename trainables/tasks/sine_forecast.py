"""Task ``sine-forecast``: the next value of a sine, and a free run on forecasts alone."""

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

GIVEN = 10  # values that a free run begins with; one alone would fit two phases


class Forecaster(nn.Module):
    """Values (B, T) to the value after each of them (B, T)."""

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
        """One step ahead at each step."""
        outputs, _ = self.layers(values[..., None])
        forecasts: Tensor = self.head(outputs)[..., 0]
        return forecasts

    def run_freely(self, values: Tensor, steps: int) -> Tensor:
        """The values (B, T) go on for `steps` values (B, steps), each from the forecasts before."""
        outputs, state = self.layers(values[..., None])
        forecast = self.head(outputs[:, -1:])
        forecasts = [forecast]
        for _ in range(steps - 1):
            outputs, state = self.layers(forecast, state)
            forecast = self.head(outputs)
            forecasts.append(forecast)
        return torch.cat(forecasts, 1)[..., 0]


class SineForecastProblem(Problem):
    """The pieces of each split as they are."""

    model: Forecaster

    def __init__(self, config: SineForecastSpace, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self.model = Forecaster(config).to(device)

    def build_tensors(self, split: Split) -> Batch:
        """sine (B, 50)."""
        rows = self._data.splits[split]
        return {"sine": torch.tensor(self._data.arrays["sine"][rows], device=self.device)}

    def loss(self, batch: Batch) -> Tensor:
        """Mean squared error one step ahead, over all steps."""
        values = batch["sine"]
        return nn.functional.mse_loss(self.model(values[:, :-1]), values[:, 1:])

    def evaluate(self, batch: Batch) -> Metrics:
        """``loss``; ``free_run_mse``, over the 40 values after the 10 that a free run is given."""
        given, rest = batch["sine"][:, :GIVEN], batch["sine"][:, GIVEN:]
        forecasts = self.model.run_freely(given, rest.shape[1])
        return {
            "loss": self.loss(batch),
            "free_run_mse": nn.functional.mse_loss(forecasts, rest),
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """(B, 10) values to the 40 after them (B, 40)."""
        sine = self._data.arrays["sine"][:2]
        module = FreeRun(self.model, sine.shape[1] - GIVEN).cpu().eval()
        return module, sine[:, :GIVEN]


class FreeRun(nn.Module):
    """The forecaster fed with its own forecasts."""

    def __init__(self, model: Forecaster, steps: int) -> None:
        super().__init__()
        self.model = model
        self.steps = steps

    def forward(self, values: Tensor) -> Tensor:
        """Values (B, 10), 10 / 49 radians apart, to the `steps` values after them."""
        return self.model.run_freely(values, self.steps)


class SineForecast(Task[SineForecastSpace]):
    """Forecast of a sine of unknown phase; mean squared error of the free run."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """200 pieces of 50 values, computed."""
        return sine_forecast.load(data_dir)

    def problem(
        self, config: SineForecastSpace, data: Dataset, device: torch.device
    ) -> SineForecastProblem:
        """The pieces of each split."""
        return SineForecastProblem(config, data, device)


TASK = SineForecast()
