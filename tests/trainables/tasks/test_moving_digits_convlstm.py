"""Tests of next-frame prediction: causality, and the comparison with naive predictions."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tuneyard.datasets import moving_digits
from tuneyard.spaces.tasks.moving_digits_convlstm import MovingDigitsConvlstmSpace
from tuneyard.trainables.tasks.moving_digits_convlstm import TASK, MovingDigitsProblem, Predictor
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")


@pytest.fixture
def problem(datasets: Any) -> MovingDigitsProblem:
    torch.manual_seed(0)
    return MovingDigitsProblem(MovingDigitsConvlstmSpace(), datasets("moving-digits-convlstm"), CPU)


@pytest.mark.parametrize("seed", range(8))
def test_any_config_fits(seed: int, random_config: Any) -> None:
    model = Predictor(random_config("moving-digits-convlstm", seed))
    assert model(torch.rand(2, 3, 32, 32)).shape == (2, 3, 32, 32)


def test_a_prediction_depends_on_earlier_frames_only(problem: MovingDigitsProblem) -> None:
    frames = torch.rand(1, 5, 32, 32)
    changed = frames.clone()
    changed[:, 3:] = 0.5
    problem.model.eval()
    before, after = problem.model(frames), problem.model(changed)
    torch.testing.assert_close(after[:, :3], before[:, :3])
    assert not torch.allclose(after[:, 3], before[:, 3])


def test_the_metrics_are_those_of_whole_frames(problem: MovingDigitsProblem) -> None:
    problem.model.eval()
    batch = problem.tensors("val")
    with torch.no_grad():
        metrics = problem.evaluate(batch)
        torch.testing.assert_close(metrics["loss"], problem.loss(batch))
    assert set(metrics) == {"loss", "ssim", "naive_loss", "naive_ssim"}


def test_the_naive_prediction_is_the_best_by_the_grey_before(problem: MovingDigitsProblem) -> None:
    """On the train split, no other value for a grey level has a lower cross entropy."""
    frames = problem.tensors("train")["frames"]
    before, after = frames[:, :-1].int(), frames[:, 1:].float() / 255
    table = problem._after_grey
    assert table.shape == (256,)
    assert ((table > 0) & (table < 1)).all()
    best = F.binary_cross_entropy(table[before], after)
    for factor in (0.9, 1.1):
        other = (table * factor).clamp(1e-6, 1 - 1e-6)
        assert F.binary_cross_entropy(other[before], after) > best
    black = after[before == 0].mean().item()
    assert table[0].item() == pytest.approx(black, rel=1e-2)


def test_still_digits_are_repeated_exactly(datasets: Any) -> None:
    data = datasets("moving-digits-convlstm")
    still = np.repeat(data.arrays["frames"][:, :1], 10, axis=1)
    problem = MovingDigitsProblem(
        MovingDigitsConvlstmSpace(),
        replace(data, arrays={**data.arrays, "frames": np.ascontiguousarray(still)}),
        CPU,
    )
    with torch.no_grad():
        metrics = problem.evaluate(problem.tensors("val"))
    assert metrics["naive_ssim"].item() == pytest.approx(1.0, abs=1e-5)


def test_the_exported_model_returns_the_frame_after_the_last(problem: MovingDigitsProblem) -> None:
    frames = problem.tensors("test")["frames"]
    problem.model.eval()
    with torch.no_grad():
        expected = problem.model(frames[:, :-1].float() / 255)[:, -1].sigmoid()
        module, example = problem.export()
        torch.testing.assert_close(module(frames[:, :-1]), expected)
    assert example.shape == (2, 9, 32, 32)
    assert example.dtype == np.uint8


def test_it_is_better_than_repeating_the_last_frame() -> None:
    """One epoch on scikit-learn's digits is enough for this."""
    data = moving_digits.load("digits")
    training = Training(TASK, MovingDigitsConvlstmSpace(batch_size=8), [data], seed=0)
    metrics = training.run_epoch()
    assert metrics["val_loss"] < metrics["val_naive_loss"]
