"""Tests of PBT's changes to a training: other hyperparameters, copied and restored states."""

import io
from typing import Any

import pytest
import torch

from tuneyard.datasets import Dataset
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
from tuneyard.spaces.fields.schedules import (
    Constant,
    Cosine,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    Step,
)
from tuneyard.spaces.tasks.diabetes import DiabetesSpace
from tuneyard.trainables.task import find_task
from tuneyard.trainables.training.training import Training

DIABETES = find_task("diabetes")


@pytest.fixture(scope="module")
def data(datasets: Any) -> Dataset:
    return datasets("diabetes")


def weights(training: Training) -> list[torch.Tensor]:
    return [p.detach().clone() for p in training.problems[0].model.parameters()]


def group(training: Training) -> dict[str, Any]:
    """The hyperparameters that the optimizer uses at the moment."""
    return training.state_dict()["loops"][0]["optimizer"]["param_groups"][0]


SCHEDULES: list[Schedule] = [
    Constant(),
    Step(fraction=0.3, gamma=0.5),
    ReduceOnPlateau(factor=0.5, patience=1),
    Cosine(final=0.2),
    OneCycle(warmup=0.4),
]
by_kind = pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.kind)


@by_kind
@pytest.mark.parametrize("factor", [0.01, 0.8, 5.0])
def test_a_changed_rate_continues_along_the_schedule_in_proportion(
    schedule: Schedule, factor: float, scripted: Any
) -> None:
    task = scripted(0.5)

    def rates(changed: float) -> list[float]:
        config = task.space(optimizer=SGD(lr=0.1), schedule=schedule, epochs=10)
        training = Training(task, config, [task.load(None)], seed=0)
        seen = []
        for epoch in range(10):
            if epoch == 4:
                new = SGD(lr=0.1 * changed, momentum=0.5, weight_decay=1e-3)
                training.change(config.model_copy(update={"optimizer": new}))
                assert group(training)["momentum"] == 0.5
                assert group(training)["weight_decay"] == 1e-3
            seen.append(group(training)["lr"])
            training.run_epoch()
        return seen

    same, changed = rates(1.0), rates(factor)
    assert changed[:4] == same[:4]
    assert changed[4:] == pytest.approx([rate * factor for rate in same[4:]], rel=1e-9)
    assert (len(set(same)) > 1) is (schedule.kind != "constant")


def test_a_change_equals_plain_pytorch(data: Dataset) -> None:
    config = DiabetesSpace(optimizer=SGD(lr=0.1), l1=1e-3)
    new = SGD(lr=0.3, momentum=0.9, nesterov=True, weight_decay=1e-2)
    training = Training(DIABETES, config, [data], seed=0)
    training.run_epoch()
    training.run_epoch()
    training.change(config.model_copy(update={"optimizer": new, "l1": None}))
    training.run_epoch()
    training.run_epoch()

    torch.manual_seed(0)
    problem = DIABETES.problem(config, data, torch.device("cpu"))
    params = list(problem.model.parameters())
    optimizer = torch.optim.SGD(params, lr=0.1)
    for epoch in range(4):
        if epoch == 2:
            later = {"lr": 0.3, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-2}
            optimizer.param_groups[0].update(later)
        optimizer.zero_grad()
        loss = problem.loss(problem.tensors("train"))
        if epoch < 2:
            loss = loss + 1e-3 * sum(p.abs().sum() for p in params)
        loss.backward()
        optimizer.step()
    for mine, plain in zip(weights(training), params, strict=True):
        torch.testing.assert_close(mine, plain)


OPTIMIZERS: list[tuple[Optimizer, Optimizer]] = [
    (SGD(), SGD(lr=0.5, momentum=0.9, nesterov=True)),
    (SGD(momentum=0.9, nesterov=True), SGD(lr=0.5, momentum=0.0, nesterov=True)),
    (Adam(), Adam(lr=0.05, beta1=0.8, weight_decay=1e-3)),
    (AdamW(), AdamW(lr=0.05, beta1=0.8, weight_decay=0.5)),
    (Adamax(), Adamax(lr=0.05, beta1=0.8)),
    (Adagrad(), Adagrad(lr=0.5, lr_decay=0.05)),
    (ASGD(), ASGD(lr=0.5, lambd=1e-3, alpha=0.6)),
    (RMSprop(), RMSprop(lr=0.05, momentum=0.9, centered=True)),
    (RMSprop(momentum=0.9, centered=True), RMSprop(lr=0.05)),
    (Rprop(), Rprop(lr=0.05, eta_minus=0.4, eta_plus=1.3)),
    (LBFGS(), LBFGS(lr=0.1, max_iter=3)),
]


@pytest.mark.parametrize(
    ("first", "then", "schedule"),
    [(*pair, SCHEDULES[i % 5]) for i, pair in enumerate(OPTIMIZERS)]
    + [(SGD(lr=0.1), SGD(lr=0.7, momentum=0.5), schedule) for schedule in SCHEDULES],
    ids=lambda config: config.kind,
)
def test_restoring_a_changed_training_is_exact(
    first: Optimizer,
    then: Optimizer,
    schedule: Schedule,
    data: Dataset,
    train: Any,
    assert_same: Any,
) -> None:
    """Copied from another training, changed, saved and restored, as PBT does it."""
    before = DiabetesSpace(optimizer=first, schedule=schedule, epochs=7, dropout=0.2)
    after = before.model_copy(update={"optimizer": then})

    def copy(state: dict[str, Any], config: DiabetesSpace) -> Training:
        stored = io.BytesIO()
        torch.save(state, stored)
        stored.seek(0)
        training = Training(DIABETES, config, [data], seed=0)
        training.load_state_dict(torch.load(stored, weights_only=True))
        return training

    donor = Training(DIABETES, before, [data], seed=0)
    train(donor, 2)
    training = copy(donor.state_dict(), before)
    untouched = copy(donor.state_dict(), before)
    training.change(after)
    train(training, 2)
    train(untouched, 2)
    with pytest.raises(AssertionError):
        assert_same(weights(training), weights(untouched))
    restored = copy(training.state_dict(), after)
    assert_same(train(restored), train(training))
    assert training.ended == "completed"
    assert_same(restored.state_dict(), training.state_dict())
