"""Task ``airplane-lstm``: next month's airline passengers by a recurrent network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Split, airplane
from tuneyard.spaces.tasks.airplane_lstm import DESCRIPTION, AirplaneLstmSpace, Transform
from tuneyard.trainables.layers.recurrent import build_recurrent, last_states
from tuneyard.trainables.problem import Batch, Metrics, Problem
from tuneyard.trainables.task import Task

YEAR = 12


class Forecaster(nn.Module):
    """Maps windows of standardized values (B, lookback, 1) to the next value of each (B,)."""

    def __init__(self, config: AirplaneLstmSpace) -> None:
        super().__init__()
        self.layers = build_recurrent(
            config.cell, 1, config.hidden_size, config.num_layers, dropout=config.dropout
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.hidden_size, 1)
        self.residual = config.residual

    def forward(self, windows: Tensor) -> Tensor:
        """The forecasts one step ahead, standardized."""
        _, hidden = self.layers(windows)
        forecast: Tensor = self.head(self.dropout(last_states(hidden, bidirectional=False)))[:, 0]
        return windows[:, -1, 0] + forecast if self.residual else forecast


class Scale(nn.Module):
    """A transform of a series followed by standardization, and the inverse one step ahead.

    Args:
        transform: The name of the transform.
        train: The values of the training split, on which mean and deviation are fitted.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, transform: Transform, train: Tensor) -> None:
        super().__init__()
        self._transform = transform
        self.lag = {"none": 0, "log": 0, "log_diff": 1, "seasonal_log_diff": YEAR}[transform]
        values = self._transformed(train)
        self.register_buffer("mean", values.mean())
        self.register_buffer("deviation", values.std())

    def _transformed(self, series: Tensor) -> Tensor:
        if self._transform == "none":
            return series
        logs = series.log()
        return logs[..., self.lag :] - logs[..., : -self.lag] if self.lag else logs

    def forward(self, series: Tensor) -> Tensor:
        """Maps passengers (..., T) to standardized values (..., T - lag)."""
        scaled: Tensor = (self._transformed(series) - self.mean) / self.deviation
        return scaled

    def inverse(self, forecast: Tensor, before: Tensor) -> Tensor:
        """Maps a standardized forecast (...) to passengers.

        Args:
            forecast: The standardized value of the month to forecast.
            before: The passengers `lag` months earlier; not used if the lag is 0.
        """
        value = forecast * self.deviation + self.mean
        if self._transform == "none":
            return value
        return value.exp() * before if self.lag else value.exp()


class AirplaneProblem(Problem):
    """Windows of the series: the months before a target month, and the target."""

    def __init__(self, config: AirplaneLstmSpace, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self._lookback = config.lookback
        self._series = torch.tensor(data.arrays["passengers"], device=device)
        train = torch.tensor(data.splits["train"], device=device)
        self._scale = Scale(config.transform, self._series[train]).to(device)
        self._scaled = self._scale(self._series)
        self.model = Forecaster(config).to(device)

    def build_tensors(self, split: Split) -> Batch:
        """The windows whose target month is in the split.

        These are `window` (B, lookback, 1) and `target` (B,), both standardized, and `before` and
        `actual` (B,), the passengers `lag` months before the target month and in it.

        Raises:
            ValueError: The split is too short for a single window.
        """
        lag, lookback = self._scale.lag, self._lookback
        months = torch.tensor(self._data.splits[split], device=self.device)
        months = months[months >= lag + lookback]
        if not len(months):
            raise ValueError(
                f"lookback={lookback} with a lag of {lag} months leaves no window in the {split} "
                f"split of {len(self._data.splits[split])} months"
            )
        steps = torch.arange(-lookback, 0, device=self.device)
        return {
            "window": self._scaled[months[:, None] - lag + steps, None],
            "target": self._scaled[months - lag],
            "before": self._series[months - lag],
            "actual": self._series[months],
        }

    def loss(self, batch: Batch) -> Tensor:
        """The mean squared error of the standardized forecasts."""
        return nn.functional.mse_loss(self.model(batch["window"]), batch["target"])

    def evaluate(self, batch: Batch) -> Metrics:
        """The ``loss``, and ``rmse`` and ``mae`` in thousand passengers."""
        forecast = self.model(batch["window"])
        error = self._scale.inverse(forecast, batch["before"]) - batch["actual"]
        return {
            "loss": nn.functional.mse_loss(forecast, batch["target"]),
            "rmse": error.square().mean().sqrt(),
            "mae": error.abs().mean(),
        }

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from (B, lag + lookback) months of passengers to the next month's (B,).

        Passengers are in thousands.
        """
        module = ExportedForecaster(self._scale, self.model).cpu().eval()
        length = self._scale.lag + self._lookback
        return module, np.stack([self._series[:length].cpu(), self._series[1 : length + 1].cpu()])


class ExportedForecaster(nn.Module):
    """The forecaster with the scaling before it and the inverse after it."""

    def __init__(self, scale: Scale, model: nn.Module) -> None:
        super().__init__()
        self.scale = scale
        self.model = model

    def forward(self, passengers: Tensor) -> Tensor:
        """Maps the last months' passengers (B, lag + lookback) to the next month's (thousands)."""
        forecast = self.model(self.scale(passengers)[..., None])
        return self.scale.inverse(forecast, passengers[:, -max(self.scale.lag, 1)])


class AirplaneLstm(Task[AirplaneLstmSpace]):
    """Forecasts of the next month, tested on the last 36; ranked by RMSE in thousand passengers."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Loads the 144 months, which the package contains."""
        return airplane.load(data_dir)

    def problem(
        self, config: AirplaneLstmSpace, data: Dataset, device: torch.device
    ) -> AirplaneProblem:
        """Windows of `lookback` months, scaled by statistics of the training split."""
        return AirplaneProblem(config, data, device)


TASK = AirplaneLstm()
