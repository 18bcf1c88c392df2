"""Tests of the epoch loop: its end, the weights that it keeps, and its updates."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tuneyard.datasets import Dataset
from tuneyard.spaces.fields.optimizers import LBFGS, SGD, Adam
from tuneyard.spaces.fields.schedules import ReduceOnPlateau
from tuneyard.spaces.objective import Objective
from tuneyard.spaces.tasks.diabetes import DiabetesSpace
from tuneyard.trainables.task import find_task
from tuneyard.trainables.training.training import Training

DIABETES = find_task("diabetes")


@pytest.fixture(scope="module")
def data(datasets: Any) -> Dataset:
    return datasets("diabetes")


def weights(training: Training) -> list[torch.Tensor]:
    return [p.detach().clone() for p in training.problems[0].model.parameters()]


# when it ends


@pytest.mark.parametrize(
    ("patience", "epochs", "best", "reason"),
    [
        (None, 8, 3, "completed"),
        (2, 5, 3, "early_stopped"),
        (3, 6, 3, "early_stopped"),
        (5, 8, 3, "completed"),
    ],
)
def test_it_ends_after_patience_epochs_without_a_better_one(
    patience: int | None, epochs: int, best: int, reason: str, scripted: Any, train: Any
) -> None:
    task = scripted(0.1, 0.3, 0.5, 0.4, 0.5, 0.2)  # the fifth is equal, not better
    config = task.space(epochs=8, patience=patience)
    training = Training(task, config, [task.load(None)], seed=0)
    history = train(training)
    assert (training.ended, training.epoch, len(history)) == (reason, epochs, epochs)
    assert training.best is not None
    assert (training.best.epoch, training.best.value) == (best, 0.5)
    assert training.best.metrics == history[best - 1]


def test_the_best_weights_are_those_of_the_best_epoch(scripted: Any) -> None:
    task = scripted(0.1, 0.5, 0.4, 0.6, 0.2)
    training = Training(task, task.space(epochs=5), [task.load(None)], seed=0)
    kept = []
    while training.ended is None:
        training.run_epoch()
        kept.append(training.best_weights()[0]["weight"].item())
    assert kept == [-1, -2, -2, -4, -4]
    assert training.problems[0].model.state_dict()["weight"].item() == -5


def test_a_new_best_after_restoring_leaves_the_loaded_state_alone(scripted: Any) -> None:
    task = scripted(0.1, 0.2, 0.3)
    first = Training(task, task.space(), [task.load(None)], seed=0)
    first.run_epoch()
    state = first.state_dict()
    before = state["loops"][0]["best"]["weight"].item()
    second = Training(task, task.space(), [task.load(None)], seed=0)
    second.load_state_dict(state)
    second.run_epoch()
    assert second.best_weights()[0]["weight"].item() == -2
    assert state["loops"][0]["best"]["weight"].item() == before == -1


def test_an_ended_training_refuses_another_epoch(scripted: Any, train: Any) -> None:
    task = scripted(0.1)
    training = Training(task, task.space(epochs=1), [task.load(None)], seed=0)
    train(training)
    with pytest.raises(AssertionError, match="ended"):
        training.run_epoch()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_an_objective_that_is_not_finite_ends_it(bad: float, scripted: Any, train: Any) -> None:
    task = scripted(0.1, 0.2, bad, 0.4)
    training = Training(task, task.space(epochs=4), [task.load(None)], seed=0)
    train(training)
    assert (training.ended, training.epoch) == ("diverged", 3)
    assert training.best is not None
    assert training.best.epoch == 2


@pytest.mark.parametrize("epochs", [1, 5])
def test_a_learning_rate_too_large_diverges_at_once(epochs: int, data: Dataset, train: Any) -> None:
    """The loss is older than the step, and NaN logits have a finite accuracy."""
    config = DiabetesSpace(
        activation="relu",
        optimizer=SGD.model_construct(lr=1e38, momentum=0.9),
        batch_size=None,
        epochs=epochs,
    )
    training = Training(DIABETES, config, [data], seed=0)
    history = train(training)
    assert math.isfinite(history[0]["train_loss"])
    assert math.isfinite(history[0]["val_accuracy"])
    assert (training.ended, training.epoch, training.best) == ("diverged", 1, None)


def test_data_that_is_not_finite_ends_it(data: Dataset, train: Any) -> None:
    features = data.arrays["features"].copy()
    features[data.splits["train"][0]] = np.nan
    spoilt = replace(data, arrays={**data.arrays, "features": features})
    training = Training(DIABETES, DiabetesSpace(), [spoilt], seed=0)
    train(training)
    assert (training.ended, training.epoch) == ("diverged", 1)


@pytest.mark.parametrize(
    ("mode", "value", "than", "better"),
    [
        ("min", 1.0, 2.0, True),
        ("min", 2.0, 1.0, False),
        ("max", 2.0, 1.0, True),
        ("max", 1.0, 2.0, False),
        ("min", 1.0, 1.0, False),
        ("max", 1.0, 1.0, False),
        ("min", 9.0, None, True),
        ("max", -9.0, None, True),
        ("min", math.nan, 1.0, False),
        ("max", math.nan, 1.0, False),
    ],
)
def test_better(mode: Any, value: float, than: float | None, better: bool) -> None:
    assert Objective("val_loss", mode).better(value, than) is better


# folds


def test_the_metrics_of_folds_are_the_mean_of_separate_trainings(
    data: Dataset, train: Any, assert_same: Any
) -> None:
    config = DiabetesSpace(
        hidden_sizes=(8,),
        dropout=0.4,
        optimizer=Adam(lr=0.05),
        schedule=ReduceOnPlateau(factor=0.1, patience=1),  # each fold has a schedule of its own
        batch_size=32,
        epochs=12,
    )
    folds = [data.fold(index, 3) for index in range(3)]
    together = Training(DIABETES, config, folds, seed=3)
    means = train(together)
    alone = [Training(DIABETES, config, [fold], seed=3) for fold in folds]
    histories = [train(training) for training in alone]
    for epoch, mean in enumerate(means):
        for key, value in mean.items():
            folds = [history[epoch][key] for history in histories]
            assert value == pytest.approx(sum(folds) / 3, rel=1e-12)
    for mine, other in zip(together.problems, alone, strict=True):
        assert_same(mine.model.state_dict(), other.problems[0].model.state_dict())
    assert len(together.best_weights()) == 3


def test_the_best_epoch_of_folds_is_the_best_of_the_mean(data: Dataset, train: Any) -> None:
    config = DiabetesSpace(optimizer=Adam(lr=0.1), epochs=12)
    folds = [data.fold(index, 3) for index in range(3)]
    training = Training(DIABETES, config, folds, seed=0)
    scores = [metrics["val_accuracy"] for metrics in train(training)]
    assert training.best is not None
    assert training.best.epoch == 1 + scores.index(max(scores))
    assert training.best.value == max(scores)


# one step


def one_step(data: Dataset, **fields: Any) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """The updates of one full-batch step of SGD at 0.1, with these fields and without them."""
    updates = []
    for changed in ({}, fields):
        config = DiabetesSpace(optimizer=SGD(lr=0.1), epochs=1).model_copy(update=changed)
        training = Training(DIABETES, config, [data], seed=0)
        before = weights(training)
        training.run_epoch()
        updates.append([a - b for a, b in zip(weights(training), before, strict=True)])
    return updates[1], updates[0]


def test_l1_shrinks_every_weight(data: Dataset) -> None:
    start = weights(Training(DIABETES, DiabetesSpace(), [data], seed=0))
    with_l1, without = one_step(data, l1=1e-2)
    for penalized, plain, weight in zip(with_l1, without, start, strict=True):
        torch.testing.assert_close(penalized - plain, -0.1 * 1e-2 * weight.sign())


def test_the_train_loss_does_not_include_the_penalty(data: Dataset) -> None:
    losses = [
        Training(DIABETES, DiabetesSpace(l1=l1), [data], seed=0).run_epoch()["train_loss"]
        for l1 in (None, 1e-2)
    ]
    assert losses[0] == losses[1]


def test_gradients_are_clipped_to_the_norm(data: Dataset) -> None:
    def norm(parts: list[torch.Tensor]) -> float:
        return torch.cat([part.flatten() for part in parts]).norm().item()

    clipped, free = one_step(data, clip_norm=0.1)
    assert norm(free) > 0.1 * 0.1
    assert norm(clipped) == pytest.approx(0.1 * 0.1, rel=1e-4)
    for small, large in zip(clipped, free, strict=True):
        torch.testing.assert_close(small / norm(clipped), large / norm(free))
    loose, free = one_step(data, clip_norm=10.0)
    for one, other in zip(loose, free, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("line_search", ["none", "strong_wolfe"])
@pytest.mark.parametrize("l1", [None, 1e-2])
def test_lbfgs_equals_torchs_on_the_penalized_loss(
    line_search: Any, l1: float | None, data: Dataset, train: Any
) -> None:
    config = DiabetesSpace(
        optimizer=LBFGS(lr=0.5, max_iter=10, line_search=line_search), l1=l1, epochs=4
    )
    training = Training(DIABETES, config, [data], seed=0)
    history = train(training)
    assert history[-1]["train_loss"] < history[0]["train_loss"] - 0.03

    torch.manual_seed(0)
    problem = DIABETES.problem(config, data, torch.device("cpu"))
    params = list(problem.model.parameters())
    optimizer = torch.optim.LBFGS(
        params,
        lr=0.5,
        max_iter=10,
        history_size=100,
        line_search_fn=None if line_search == "none" else line_search,
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = problem.loss(problem.tensors("train"))
        loss = loss + (l1 or 0.0) * sum(p.abs().sum() for p in params)
        loss.backward()
        return loss

    for _ in range(4):
        optimizer.step(closure)
    for mine, plain in zip(weights(training), params, strict=True):
        torch.testing.assert_close(mine, plain)
