"""Tests of sine-forecast: its segments, initial weights, and free run against a plain loop."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tuneyard.datasets import sine_forecast
from tuneyard.spaces.tasks.sine_forecast import SineForecastSpace
from tuneyard.trainables.tasks.sine_forecast import GIVEN, TASK, SineForecastProblem
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")
DATA = sine_forecast.load()
CELLS = ["rnn", "gru", "lstm"]


def problem(**fields: Any) -> SineForecastProblem:
    torch.manual_seed(1)
    return TASK.problem(SineForecastSpace(**fields), DATA, CPU)


def test_the_segments_are_sines_of_every_phase() -> None:
    sine = DATA.arrays["sine"]
    assert (sine.shape, sine.dtype) == ((200, 50), np.float32)
    step = 10 / 49
    # of three consecutive values of a sine, the outer ones add up to 2 cos(step) times the middle
    np.testing.assert_allclose(
        sine[:, 2:] + sine[:, :-2], 2 * np.cos(step) * sine[:, 1:-1], atol=1e-6
    )
    rising = sine[:, 1] > sine[:, 0]
    quadrants = {(bool(up), bool(value > 0)) for up, value in zip(rising, sine[:, 0], strict=True)}
    assert len(quadrants) == 4
    assert np.array_equal(sine, sine_forecast.load().arrays["sine"])
    assert {split: len(rows) for split, rows in DATA.splits.items()} == {
        "train": 100,
        "val": 50,
        "test": 50,
    }


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_a_free_run_appends_each_forecast_and_forecasts_again(cell: Any, num_layers: int) -> None:
    """The reference runs over the whole past at each step, without keeping a state."""
    model = problem(cell=cell, num_layers=num_layers, init_std=None).model
    values = torch.tensor(DATA.arrays["sine"][:3, :GIVEN])
    with torch.no_grad():
        past = values
        for _ in range(7):
            past = torch.cat([past, model(past)[:, -1:]], 1)
        torch.testing.assert_close(model.run_freely(values, 7), past[:, GIVEN:])


def test_a_free_run_of_the_sines_own_recurrence_has_no_error() -> None:
    made = problem()

    class Recurrence(nn.Module):
        def run_freely(self, values: torch.Tensor, steps: int) -> torch.Tensor:
            past = values.double()
            for _ in range(steps):
                following = 2 * np.cos(10 / 49) * past[:, -1:] - past[:, -2:-1]
                past = torch.cat([past, following], 1)
            return past[:, values.shape[1] :].float()

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(values)

    made.model = Recurrence()  # type: ignore[assignment]
    metrics = made.evaluate(made.tensors("test"))
    assert metrics["free_run_mse"].item() < 1e-8
    values = DATA.arrays["sine"][DATA.splits["test"], 1:]
    assert metrics["loss"].item() == pytest.approx(np.square(values).mean(), rel=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_small_normal_weights(cell: Any) -> None:
    small = problem(cell=cell, init_std=0.05, hidden_size=64).model
    values = torch.cat([parameter.flatten() for parameter in small.layers.parameters()])
    assert values.mean().abs().item() < 0.003
    assert values.std().item() == pytest.approx(0.05, rel=0.05)
    torchs = problem(cell=cell, init_std=None, hidden_size=64).model
    largest = max(parameter.abs().max().item() for parameter in torchs.layers.parameters())
    assert 0.12 < largest <= 0.125  # 1 / sqrt(64)


def test_training_equals_a_textbook_loop() -> None:
    """The course's network: N(0, 0.001) in the RNN, Adam 0.01; gradients clipped."""
    config = SineForecastSpace(batch_size=20, clip_norm=0.5)
    training = Training(TASK, config, [DATA], seed=4)
    metrics = training.run_epoch()

    torch.manual_seed(4)
    layers = nn.RNN(1, 16, batch_first=True)
    for parameter in layers.parameters():
        nn.init.normal_(parameter, mean=0.0, std=0.001)
    head = nn.Linear(16, 1)
    params = [*layers.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(params, lr=0.01)
    sine = torch.tensor(DATA.arrays["sine"][:100])
    order = torch.randperm(100, generator=torch.Generator().manual_seed(4))
    losses = []
    for rows in order.split(20):
        values = sine[rows]
        loss = nn.functional.mse_loss(head(layers(values[:, :-1, None])[0])[..., 0], values[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, 0.5)
        optimizer.step()
        losses.append(loss.item())
    assert metrics["train_loss"] == pytest.approx(np.mean(losses), rel=1e-5)


def test_the_exported_model_runs_freely_as_in_the_test() -> None:
    made = problem(init_std=None)
    with torch.no_grad():
        tested = made.evaluate(made.tensors("test"))["free_run_mse"].item()
        module, example = made.export()
        sine = torch.tensor(DATA.arrays["sine"][DATA.splits["test"]])
        answer = module(sine[:, :GIVEN])
    assert example.shape == (2, GIVEN)
    assert answer.shape == (50, 40)
    assert nn.functional.mse_loss(answer, sine[:, GIVEN:]).item() == pytest.approx(tested)
