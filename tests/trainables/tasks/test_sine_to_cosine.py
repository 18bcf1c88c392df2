"""Tests of sine-to-cosine: the state continues across windows, and the gradient does not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tuneyard.datasets import sine_to_cosine
from tuneyard.spaces.tasks.sine_to_cosine import SineToCosineSpace
from tuneyard.trainables.tasks.sine_to_cosine import LEAD_IN, TASK, SineToCosineProblem
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")
DATA = sine_to_cosine.load()
CELLS = ["rnn", "gru", "lstm"]


def problem(**fields: Any) -> SineToCosineProblem:
    torch.manual_seed(1)
    return TASK.problem(SineToCosineSpace(**fields), DATA, CPU)


@pytest.mark.parametrize("time_step", [7, 10])
def test_training_equals_the_courses_loop(time_step: int) -> None:
    """Trains on windows in time order with Adam 0.02; the state is detached after each."""
    config = SineToCosineSpace(time_step=time_step)
    training = Training(TASK, config, [DATA], seed=4)
    history = [training.run_epoch() for _ in range(2)]

    torch.manual_seed(4)
    layers, head = nn.RNN(1, 32, batch_first=True), nn.Linear(32, 1)
    optimizer = torch.optim.Adam([*layers.parameters(), *head.parameters()], lr=0.02)
    angles = torch.arange(50) * torch.pi / 10
    for metrics in history:
        state, total = None, 0.0
        for window in angles.split(time_step):
            outputs, state = layers(window.sin()[None, :, None], state)
            state = state.detach()
            loss = nn.functional.mse_loss(head(outputs)[0, :, 0], window.cos())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(window)
        assert metrics["train_loss"] == pytest.approx(total / 50, rel=1e-4)


@pytest.mark.parametrize("cell", CELLS)
@settings(deadline=None, max_examples=15)
@given(time_step=st.integers(2, 50))
def test_windows_with_a_kept_state_equal_the_whole_series(cell: Any, time_step: int) -> None:
    made = problem(cell=cell, time_step=time_step)
    train = made.tensors("train")
    order = torch.Generator()
    with torch.no_grad():
        windows = list(made.batches(None, order))
        losses = [made.loss(window) * len(window["sine"]) for window in made.batches(None, order)]
        answer, _ = made.model(train["sine"][None], None)
    assert torch.equal(torch.cat([window["sine"] for window in windows]), train["sine"])
    assert {len(window["sine"]) for window in windows[:-1]} <= {time_step}
    whole = nn.functional.mse_loss(answer[0], train["cosine"], reduction="sum")
    torch.testing.assert_close(sum(losses), whole)


@pytest.mark.parametrize("cell", CELLS)
def test_a_windows_gradient_ends_at_its_start(cell: Any) -> None:
    """The gradient of the second window equals that of a window with a given initial state."""
    made = problem(cell=cell)
    first, second, *_ = made.batches(None, torch.Generator())
    made.loss(first)
    loss = made.loss(second)
    gradients = torch.autograd.grad(loss, list(made.model.parameters()))
    with torch.no_grad():
        _, state = made.model(first["sine"][None], None)
    answer, _ = made.model(second["sine"][None], state)
    expected = torch.autograd.grad(
        nn.functional.mse_loss(answer[0], second["cosine"]), list(made.model.parameters())
    )
    torch.testing.assert_close(gradients, expected)


def test_every_epoch_begins_with_a_state_of_zeros() -> None:
    made = problem()
    with torch.no_grad():
        losses = [
            [made.loss(window).item() for window in made.batches(None, torch.Generator())]
            for _ in range(2)
        ]
    assert losses[0] == losses[1]


def test_the_samples_are_those_of_the_course_and_splits_differ_in_phase() -> None:
    sine, cosine = DATA.arrays["sine"], DATA.arrays["cosine"]
    assert sine.dtype == cosine.dtype == np.float32
    np.testing.assert_allclose(sine**2 + cosine**2, 1, atol=1e-6)
    phases = {
        split: {round(float(np.arctan2(sine[row], cosine[row])), 4) for row in rows}
        for split, rows in DATA.splits.items()
    }
    course = np.linspace(0, np.pi, 10, endpoint=False)  # one of the course's windows
    np.testing.assert_allclose(sine[:10], np.sin(course), atol=1e-6)
    assert [len(rows) for rows in DATA.splits.values()] == [50, 50, 50]
    assert not phases["train"] & phases["val"]
    assert not phases["train"] & phases["test"]
    assert not phases["val"] & phases["test"]


def test_the_error_of_a_known_answer() -> None:
    """A constant prediction of 0 has a mean squared error of one half on whole periods."""
    made = problem()

    class Zero(nn.Module):
        def forward(self, sines: torch.Tensor, state: None) -> tuple[torch.Tensor, None]:
            return torch.zeros_like(sines), state

    made.model = Zero()  # type: ignore[assignment]
    assert made.evaluate(made.tensors("val"))["loss"].item() == pytest.approx(0.5)


def test_a_split_shorter_than_the_lead_in_is_refused_with_its_numbers() -> None:
    splits = DATA.splits | {"val": DATA.splits["val"][:LEAD_IN]}  # type: ignore[operator]
    with pytest.raises(
        ValueError, match=r"^the val split must have more than 10 samples.*got 10; .* folds$"
    ):
        TASK.problem(SineToCosineSpace(), replace(DATA, splits=splits), CPU).tensors("val")


def test_the_exported_model_predicts_as_the_trained_one() -> None:
    made = problem(cell="lstm")
    module, example = made.export()
    assert example.shape == (2, 20)
    answer = module(torch.tensor(example))
    torch.testing.assert_close(answer, made.model(torch.tensor(example), None)[0])
