"""Tests of logistic-regression: the course's loop, scikit-learn's fit, and the data."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from torch import nn

from tuneyard.datasets import logistic_regression
from tuneyard.spaces.fields.optimizers import LBFGS
from tuneyard.spaces.tasks.logistic_regression import LogisticRegressionSpace, LogisticSGD
from tuneyard.trainables.tasks.logistic_regression import TASK
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")
COURSE, NOISY = logistic_regression.load(), logistic_regression.load("noisy")


def test_training_equals_the_courses_loop(train: Any) -> None:
    """The course adds up the loss of three points, so three times its lr gives the same steps."""
    config = LogisticRegressionSpace(optimizer=LogisticSGD(lr=0.03))
    training = Training(TASK, config, [COURSE], seed=4)
    history = train(training, 50)

    torch.manual_seed(4)
    linear = nn.Linear(1, 1)
    x, y = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[0.0], [0.0], [1.0]])
    for metrics in history:
        loss = nn.functional.binary_cross_entropy(linear(x).sigmoid(), y, reduction="sum")
        gradients = torch.autograd.grad(loss, list(linear.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(linear.parameters(), gradients, strict=True):
                parameter -= 0.01 * gradient
        assert metrics["train_loss"] == pytest.approx(loss.item() / 3, rel=1e-5)
    for mine, plain in zip(
        training.problems[0].model.parameters(), linear.parameters(), strict=True
    ):
        torch.testing.assert_close(mine, plain, rtol=1e-5, atol=1e-6)


def test_lbfgs_finds_scikit_learns_fit(train: Any) -> None:
    config = LogisticRegressionSpace(optimizer=LBFGS(line_search="strong_wolfe"))
    training = Training(TASK, config, [NOISY], seed=0)
    *_, last = train(training, 10)
    rows, held_out = NOISY.splits["train"], NOISY.splits["val"]
    hours, label = NOISY.arrays["hours"][:, None], NOISY.arrays["label"]
    fit = LogisticRegression(C=np.inf, tol=1e-8).fit(hours[rows], label[rows])
    chances = fit.predict_proba(hours[held_out])[:, 1]
    assert last["val_loss"] == pytest.approx(log_loss(label[held_out], chances), rel=1e-3)
    assert last["val_accuracy"] == pytest.approx(
        accuracy_score(label[held_out], fit.predict(hours[held_out]))
    )
    module, _ = training.problems[0].export()
    with torch.no_grad():
        served = module(torch.tensor(hours[held_out])).numpy()
    np.testing.assert_allclose(served, chances, atol=1e-3)


def test_the_log_loss_stays_exact_far_from_the_threshold() -> None:
    """A sigmoid of -200 rounds to 0, and its logarithm would be infinite."""
    problem = TASK.problem(LogisticRegressionSpace(), COURSE, CPU)
    linear = problem.model[0]  # type: ignore[index]
    nn.init.constant_(linear.weight, -200.0)
    nn.init.zeros_(linear.bias)
    batch = {"hours": torch.tensor([[1.0], [-1.0]]), "label": torch.tensor([1.0, 0.0])}
    metrics = problem.evaluate(batch)
    assert metrics["loss"].item() == 200.0
    assert metrics["accuracy"].item() == 0.0


def test_the_students_are_those_of_the_course_and_more_of_the_same_rule() -> None:
    hours, label = COURSE.arrays["hours"], COURSE.arrays["label"]
    rows = COURSE.splits["train"]
    assert hours[rows].tolist() == [1.0, 2.0, 3.0]
    assert label[rows].tolist() == [0, 0, 1]
    assert np.array_equal(label, hours > 2.5)
    assert len(set(hours.tolist())) == len(hours)
    assert hours[COURSE.splits["test"][-1]] == 4.0
    for split in ("val", "test"):
        assert sorted(label[COURSE.splits[split]]) == [0, 0, 1, 1]


def test_the_noise_of_the_exams_is_as_described() -> None:
    hours, label = NOISY.arrays["hours"], NOISY.arrays["label"]
    assert {split: len(rows) for split, rows in NOISY.splits.items()} == {
        "train": 180,
        "val": 60,
        "test": 60,
    }
    assert label[hours < 1].mean() < 0.1
    assert label[hours > 4].mean() > 0.9
    near = np.abs(hours - 2.5) < 0.5
    assert 0.3 < label[near].mean() < 0.7
    assert logistic_regression.load("noisy").fingerprint == NOISY.fingerprint
    assert TASK.load(None, "noisy").fingerprint == NOISY.fingerprint
    assert TASK.load(None).fingerprint == COURSE.fingerprint
