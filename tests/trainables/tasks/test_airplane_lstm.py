"""Tests of airplane-lstm: scale and windows compared with naive loops, and known forecasts."""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tuneyard.datasets import Dataset, airplane
from tuneyard.datasets.dataset import SPLITS
from tuneyard.spaces.fields.optimizers import Adam
from tuneyard.spaces.tasks.airplane_lstm import AirplaneLstmSpace, Transform
from tuneyard.trainables.tasks.airplane_lstm import TASK, AirplaneProblem, Scale
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")
DATA = airplane.load()
SERIES = DATA.arrays["passengers"]
TRANSFORMS: tuple[Transform, ...] = get_args(Transform)
LAGS = {"none": 0, "log": 0, "log_diff": 1, "seasonal_log_diff": 12}

transforms = st.sampled_from(TRANSFORMS)
lookbacks = st.integers(2, 36)
each_transform = pytest.mark.parametrize("transform", TRANSFORMS)


def problem(transform: Transform, lookback: int, data: Dataset = DATA) -> AirplaneProblem:
    config = AirplaneLstmSpace(transform=transform, lookback=lookback)
    return TASK.problem(config, data, CPU)


def naive(transform: Transform, month: int) -> float:
    """The value of one month before it is standardized."""
    now = float(SERIES[month])
    if transform == "none":
        return now
    if transform == "log":
        return float(np.log(now))
    return float(np.log(now / float(SERIES[month - LAGS[transform]])))


@settings(deadline=None, max_examples=50)
@given(transforms, st.lists(st.floats(50, 1000), min_size=14, max_size=60))
def test_the_inverse_of_the_scale_restores_the_series(
    transform: Transform, values: list[float]
) -> None:
    series = torch.tensor(values, dtype=torch.float64)
    scale = Scale(transform, torch.tensor(SERIES[:84], dtype=torch.float64))
    scaled = scale(series)
    lag = LAGS[transform]
    assert len(scaled) == len(series) - lag
    back = scale.inverse(scaled, series[: len(series) - lag])
    torch.testing.assert_close(back, series[lag:])


@each_transform
def test_the_scale_standardizes_the_train_split(transform: Transform) -> None:
    lag = LAGS[transform]
    raw = np.array([naive(transform, month) for month in range(lag, 84)])
    scale = Scale(transform, torch.tensor(SERIES[:84]))
    assert scale.lag == lag
    assert scale.mean.item() == pytest.approx(raw.mean(), rel=1e-5)
    assert scale.deviation.item() == pytest.approx(raw.std(ddof=1), rel=1e-4)


@settings(deadline=None, max_examples=40)
@given(transforms, lookbacks)
def test_a_window_holds_exactly_the_months_before_its_target(
    transform: Transform, lookback: int
) -> None:
    lag = LAGS[transform]
    raw = [naive(transform, month) for month in range(lag, 84)]
    mean, deviation = np.mean(raw), np.std(raw, ddof=1)
    made = problem(transform, lookback)
    for split in SPLITS:
        months = [int(month) for month in DATA.splits[split] if month - lookback - lag >= 0]
        tensors = made.tensors(split)
        windows = [
            [(naive(transform, t) - mean) / deviation for t in range(month - lookback, month)]
            for month in months
        ]
        targets = [(naive(transform, month) - mean) / deviation for month in months]
        assert tensors["window"].shape == (len(months), lookback, 1)
        np.testing.assert_allclose(tensors["window"][..., 0], windows, rtol=2e-4, atol=2e-4)
        np.testing.assert_allclose(tensors["target"], targets, rtol=2e-4, atol=2e-4)
        assert tensors["actual"].tolist() == SERIES[months].tolist()
        if lag:
            assert tensors["before"].tolist() == [SERIES[month - lag] for month in months]


@settings(deadline=None, max_examples=40)
@given(transforms, lookbacks)
def test_every_lookback_is_evaluated_on_the_same_months(
    transform: Transform, lookback: int
) -> None:
    made = problem(transform, lookback)
    assert made.tensors("val")["actual"].tolist() == SERIES[84:108].tolist()
    assert made.tensors("test")["actual"].tolist() == SERIES[108:].tolist()


def test_folds_are_evaluated_on_whole_windows_of_months() -> None:
    for index in range(3):
        fold = DATA.fold(index, 3)
        made = problem("seasonal_log_diff", 2, fold)
        months = fold.splits["val"]
        assert made.tensors("val")["actual"].tolist() == SERIES[months].tolist()
        trained = len(fold.splits["train"])
        raw = [naive("seasonal_log_diff", month) for month in range(12, trained)]
        first = made.tensors("train")["target"][0].item()
        assert first == pytest.approx((raw[2] - np.mean(raw)) / np.std(raw, ddof=1), abs=1e-4)


def test_a_window_longer_than_the_series_is_refused_with_its_numbers() -> None:
    splits = DATA.splits | {"train": DATA.splits["train"][:18]}  # type: ignore[operator]
    with pytest.raises(
        ValueError, match=r"lookback=24 with a lag of 12 .* train split of 18 months"
    ):
        problem("seasonal_log_diff", 24, replace(DATA, splits=splits)).tensors("train")


def rmse(forecast: Tensor, actual: Tensor) -> float:
    return (forecast - actual).square().mean().sqrt().item()


def test_known_forecasts_have_their_known_errors() -> None:
    """Last year's month: 42.0; last year's month times the growth of the month before: 17.7."""
    made = problem("seasonal_log_diff", 2)
    test = made.tensors("test")
    assert rmse(test["before"], test["actual"]) == pytest.approx(42.0, abs=0.1)

    class Persistent(nn.Module):
        def forward(self, windows: Tensor) -> Tensor:
            return windows[:, -1, 0]

    made.model = Persistent()
    metrics = made.evaluate(test)
    assert metrics["rmse"].item() == pytest.approx(17.7, abs=0.1)
    by_hand = [SERIES[t - 12] * SERIES[t - 1] / SERIES[t - 13] - SERIES[t] for t in range(108, 144)]
    assert metrics["rmse"].item() == pytest.approx(np.sqrt(np.mean(np.square(by_hand))), rel=1e-4)
    assert metrics["mae"].item() == pytest.approx(np.mean(np.abs(by_hand)), rel=1e-4)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@each_transform
def test_the_exported_model_forecasts_from_raw_passengers_as_in_the_test(
    transform: Transform, cell: Any
) -> None:
    config = AirplaneLstmSpace(transform=transform, lookback=5, cell=cell, dropout=0.3)
    training = Training(TASK, config, [DATA], seed=0)
    for _ in range(3):
        training.run_epoch()
    (made,) = training.problems
    made.model.eval()
    with torch.no_grad():
        tested = made.evaluate(made.tensors("test"))["rmse"].item()
        module, example = made.export()
        length = 5 + LAGS[transform]
        assert example.shape == (2, length)
        assert example.dtype == np.float32
        windows = torch.tensor(np.stack([SERIES[t - length : t] for t in range(108, 144)]))
        served = module(windows)
    assert served.shape == (36,)
    assert rmse(served, torch.tensor(SERIES[108:])) == pytest.approx(tested, rel=1e-5)


def test_training_equals_a_textbook_loop() -> None:
    """The course's network, written out: windows of two months, LSTM, Adam on the full batch."""
    config = AirplaneLstmSpace(optimizer=Adam(lr=1e-2), epochs=5)
    training = Training(TASK, config, [DATA], seed=4)
    history = [training.run_epoch() for _ in range(5)]

    mean, deviation = SERIES[:84].mean(), SERIES[:84].std(ddof=1)
    scaled = torch.tensor((SERIES - mean) / deviation)
    x = torch.stack([scaled[t - 2 : t] for t in range(2, 144)])[..., None]
    y = scaled[2:]
    torch.manual_seed(4)
    lstm, head = nn.LSTM(1, 4, 2, batch_first=True), nn.Linear(4, 1)
    params = [*lstm.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(params, lr=1e-2, foreach=False, fused=False)

    def forecast(windows: Tensor) -> Tensor:
        outputs, _ = lstm(windows)
        return head(outputs[:, -1])[:, 0]

    for metrics in history:
        optimizer.zero_grad()
        loss = ((forecast(x[:82]) - y[:82]) ** 2).mean()
        loss.backward()
        optimizer.step()
        assert metrics["train_loss"] == pytest.approx(loss.item(), rel=1e-6)
        with torch.no_grad():
            error = (forecast(x[82:106]) - y[82:106]) * deviation
        assert metrics["val_rmse"] == pytest.approx(error.square().mean().sqrt().item(), rel=1e-6)
    for mine, plain in zip(training.problems[0].model.parameters(), params, strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-5, atol=1e-6)
