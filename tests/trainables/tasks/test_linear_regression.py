"""Tests of linear-regression: the course's line, each optimizer, and the least squares."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from tuneyard.datasets import Dataset, linear_regression
from tuneyard.spaces import SpaceError
from tuneyard.spaces.fields.optimizers import (
    ASGD,
    LBFGS,
    SGD,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Optimizer,
    RMSprop,
    Rprop,
)
from tuneyard.spaces.tasks.linear_regression import LinearRegressionSpace
from tuneyard.trainables.tasks.linear_regression import TASK
from tuneyard.trainables.training.training import Training

COURSE, NOISY = linear_regression.load(), linear_regression.load("noisy")
NINE: list[Optimizer] = [
    SGD(lr=0.1),
    Adam(lr=0.1),
    AdamW(lr=0.1, weight_decay=1e-4),
    Adamax(lr=0.1),
    Adagrad(lr=1.0),
    ASGD(lr=0.1),
    RMSprop(lr=0.01),
    Rprop(lr=0.1),
    LBFGS(),
]


def test_the_baseline_takes_the_steps_of_the_course(train: Any) -> None:
    """They follow the analytic gradient; 10,000 of them end where the course's do."""
    training = Training(TASK, LinearRegressionSpace(), [COURSE], seed=0)
    weight, bias = (parameter.item() for parameter in training.problems[0].model.parameters())
    history = train(training)
    x, y = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])
    for epoch in range(10_000):
        error = weight * x + bias - y
        weight -= 0.01 * 2 * (error * x).mean()
        bias -= 0.01 * 2 * error.mean()
        if epoch < len(history):
            assert history[epoch]["val_weight"] == pytest.approx(weight, rel=1e-4)
            assert history[epoch]["val_bias"] == pytest.approx(bias, rel=1e-4)
    assert len(history) == 100
    assert (weight, bias) == pytest.approx((2.0, 0.0), abs=1e-4)


@pytest.mark.parametrize("optimizer", NINE, ids=lambda one: one.kind)
def test_each_optimizer_finds_the_line(optimizer: Optimizer, train: Any) -> None:
    config = LinearRegressionSpace(optimizer=optimizer, epochs=1000)
    training = Training(TASK, config, [COURSE], seed=0)
    train(training)
    assert training.best is not None
    assert training.best.value < 1e-3
    assert training.best.metrics["val_weight"] == pytest.approx(2.0, abs=0.03)
    assert training.best.metrics["val_bias"] == pytest.approx(0.0, abs=0.06)


def test_lbfgs_finds_the_least_squares(train: Any) -> None:
    training = Training(TASK, LinearRegressionSpace(optimizer=LBFGS()), [NOISY], seed=0)
    *_, last = train(training, 10)
    rows = NOISY.splits["train"]
    fit = LinearRegression().fit(NOISY.arrays["x"][rows, None], NOISY.arrays["y"][rows])
    assert last["val_weight"] == pytest.approx(fit.coef_[0], rel=1e-4)
    assert last["val_bias"] == pytest.approx(fit.intercept_, abs=1e-4)
    held_out = NOISY.splits["val"]
    error = fit.predict(NOISY.arrays["x"][held_out, None]) - NOISY.arrays["y"][held_out]
    assert last["val_loss"] == pytest.approx(np.square(error).mean(), rel=1e-4)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.001, 0.1), st.integers(0, 100))
def test_gradient_descent_in_a_stable_range_never_increases_the_loss(lr: float, seed: int) -> None:
    """The range ends at 2 over the largest curvature, which is 11.1 on the course's points."""
    config = LinearRegressionSpace(optimizer=SGD(lr=lr), epochs=15)
    training = Training(TASK, config, [COURSE], seed=seed)
    losses = [training.run_epoch()["train_loss"] for _ in range(15)]
    assert all(after <= before * (1 + 1e-5) for before, after in pairwise(losses))


def test_a_step_that_is_too_long_ends_the_training(train: Any) -> None:
    config = LinearRegressionSpace(optimizer=SGD(lr=1.0))
    training = Training(TASK, config, [COURSE], seed=0)
    train(training)
    assert training.ended == "diverged"


def test_the_points_are_those_of_the_course_and_more_on_the_line() -> None:
    x, y = COURSE.arrays["x"], COURSE.arrays["y"]
    assert x[COURSE.splits["train"]].tolist() == [1.0, 2.0, 3.0]
    assert np.array_equal(y, 2 * x)
    assert len(set(x.tolist())) == len(x)
    assert x[COURSE.splits["test"][0]] == 4.0


def test_the_noise_is_as_described_and_always_the_same() -> None:
    noise = NOISY.arrays["y"] - 2 * NOISY.arrays["x"]
    assert noise.std() == pytest.approx(0.5, rel=0.1)
    assert abs(noise.mean()) < 0.1
    assert {split: len(rows) for split, rows in NOISY.splits.items()} == {
        "train": 120,
        "val": 40,
        "test": 40,
    }
    assert linear_regression.load("noisy").fingerprint == NOISY.fingerprint


def test_the_task_chooses_its_data() -> None:
    def name(data: Dataset) -> str:
        return data.name

    assert name(TASK.load(None)) == name(TASK.load(None, "course")) == "linear-regression-course"
    assert name(TASK.load(None, "noisy")) == "linear-regression-noisy"
    with pytest.raises(SpaceError, match=r"^data must be one of course, noisy, got 'clean'$"):
        TASK.description.check_data("clean")


def test_the_exported_model_is_the_line(train: Any) -> None:
    training = Training(TASK, LinearRegressionSpace(optimizer=LBFGS()), [COURSE], seed=0)
    train(training, 5)
    module, _ = training.problems[0].export()
    answer = module(torch.tensor([[4.0], [-1.0]]))
    torch.testing.assert_close(answer, torch.tensor([8.0, -2.0]), rtol=1e-3, atol=1e-3)
