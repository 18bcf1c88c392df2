"""Tests of optimizers and schedules: every field reaches torch, with the right rates."""

from typing import Any, get_args

import pytest
import torch
from torch import nn

from tuneyard.spaces.fields.optimizers import LBFGS, SGD, Adam, Optimizer, RMSprop, Rprop
from tuneyard.spaces.fields.schedules import (
    Constant,
    Cosine,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    Step,
)
from tuneyard.trainables.training.optimizers import build_optimizer, build_schedule, hyperparameters

EVERY_OPTIMIZER: tuple[type[Any], ...] = get_args(get_args(Optimizer)[0])


def parameters() -> list[nn.Parameter]:
    return [nn.Parameter(torch.ones(3))]


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("config", [cls() for cls in EVERY_OPTIMIZER], ids=lambda c: c.kind)
def test_every_field_reaches_torchs_optimizer_of_that_name(config: Optimizer, fused: bool) -> None:
    optimizer = build_optimizer(config, parameters(), fused=fused)
    group = optimizer.param_groups[0]
    assert type(optimizer).__name__.lower() == config.kind
    for key, value in hyperparameters(config).items():
        assert group[key] == value


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (SGD(lr=0.5, momentum=0.3, nesterov=True), {"momentum": 0.3, "nesterov": True}),
        (Adam(beta1=0.85, weight_decay=1e-3), {"betas": (0.85, 0.999), "weight_decay": 1e-3}),
        (Rprop(eta_minus=0.4, eta_plus=1.3), {"etas": (0.4, 1.3)}),
        (LBFGS(line_search="none", max_iter=7), {"line_search_fn": None, "max_iter": 7}),
        (LBFGS(line_search="strong_wolfe"), {"line_search_fn": "strong_wolfe"}),
        (RMSprop(alpha=0.9, centered=True), {"alpha": 0.9, "centered": True}),
    ],
)
def test_fields_with_other_names(config: Optimizer, expected: dict[str, object]) -> None:
    group = build_optimizer(config, parameters(), fused=True).param_groups[0]
    assert {key: group[key] for key in expected} == expected


@pytest.mark.parametrize(
    "cls", [cls for cls in EVERY_OPTIMIZER if "weight_decay" in cls.model_fields]
)
def test_no_weight_decay_means_zero(cls: type[Any]) -> None:
    if cls.model_fields["weight_decay"].default is None:
        group = build_optimizer(cls(), parameters(), fused=True).param_groups[0]
        assert group["weight_decay"] == 0.0
    decayed = build_optimizer(cls(weight_decay=1e-2), parameters(), fused=True)
    assert decayed.param_groups[0]["weight_decay"] == 1e-2


def test_nesterov_without_momentum_is_plain_gradient_descent() -> None:
    results = []
    for config in (SGD(lr=0.1, nesterov=True), SGD(lr=0.1)):
        params = parameters()
        optimizer = build_optimizer(config, params, fused=True)
        for _ in range(3):
            optimizer.zero_grad()
            params[0].square().sum().backward()
            optimizer.step()
        results.append(params[0].detach())
    assert torch.equal(*results)


def rates(schedule: Schedule, epochs: int, lr: float = 0.2) -> list[float]:
    """The learning rate of each epoch, and that after the last."""
    optimizer = torch.optim.SGD(parameters(), lr=lr)
    steered = build_schedule(schedule, optimizer, epochs, "min")
    assert steered is not None
    seen = []
    for _ in range(epochs):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        steered.step()
    return [*seen, optimizer.param_groups[0]["lr"]]


def test_step_multiplies_after_each_fraction_of_the_epochs() -> None:
    falling = rates(Step(fraction=0.3, gamma=0.5), 10)
    assert falling == pytest.approx([0.2] * 3 + [0.1] * 3 + [0.05] * 3 + [0.025] * 2)
    assert rates(Step(fraction=0.05, gamma=0.5), 3) == pytest.approx([0.2, 0.1, 0.05, 0.025])


@pytest.mark.parametrize("epochs", [1, 2, 30])
def test_cosine_falls_to_its_final_fraction(epochs: int) -> None:
    falling = rates(Cosine(final=0.1), epochs)
    assert falling[0] == 0.2
    assert falling[-1] == pytest.approx(0.02)
    assert falling == sorted(falling, reverse=True)
    assert falling[epochs // 2] == pytest.approx(0.11) or epochs % 2


@pytest.mark.parametrize(
    ("warmup", "epochs"),
    # if warmup * (epochs + 1) is 1, torch's way of counting would divide by zero
    [(0.3, 10), (0.5, 10), (0.05, 19), (0.1, 9), (0.25, 3), (0.5, 1), (0.05, 1), (0.05, 100)],
)
def test_one_cycle_peaks_after_the_warmup_and_ends_near_zero(warmup: float, epochs: int) -> None:
    cycle = rates(OneCycle(warmup=warmup), epochs)
    peak = warmup * epochs
    assert cycle[0] == pytest.approx(0.2 / 25)
    assert cycle[-1] < 0.2 / 1e4
    assert max(cycle) <= 0.2 + 1e-12
    if peak == round(peak):
        assert cycle[round(peak)] == pytest.approx(0.2)
    rising = cycle[: int(peak) + 1]
    assert rising == sorted(rising)
    falling = cycle[int(peak) + 1 :]
    assert falling == sorted(falling, reverse=True)


@pytest.mark.parametrize(("mode", "metrics"), [("min", [1, 2, 2, 2]), ("max", [2, 1, 1, 1])])
def test_plateau_watches_the_objective_in_its_direction(mode: str, metrics: list[float]) -> None:
    seen = {}
    for watched in ("min", "max"):
        optimizer = torch.optim.SGD(parameters(), lr=0.2)
        plateau = build_schedule(ReduceOnPlateau(factor=0.5, patience=2), optimizer, 9, watched)
        assert isinstance(plateau, torch.optim.lr_scheduler.ReduceLROnPlateau)
        for metric in metrics:
            plateau.step(metric)
        seen[watched] = optimizer.param_groups[0]["lr"]
    assert seen[mode] == 0.1
    assert seen["max" if mode == "min" else "min"] == 0.2


@pytest.mark.parametrize("schedule", [Constant(), Step(), OneCycle()])
def test_a_multiplier_scales_the_learning_rate_of_a_parameter(schedule: Schedule) -> None:
    slow, fast, also_slow = (nn.Parameter(torch.ones(2)) for _ in range(3))
    rates = {slow: 0.1, also_slow: 0.1}
    optimizer = build_optimizer(
        SGD(lr=0.5), [slow, fast, also_slow], fused=False, learning_rate_multipliers=rates
    )
    slow_group, fast_group = optimizer.param_groups
    assert [*map(id, slow_group["params"])] == [id(slow), id(also_slow)]
    assert [*map(id, fast_group["params"])] == [id(fast)]
    steered = build_schedule(schedule, optimizer, 10, "min")
    for _ in range(10):
        assert slow_group["lr"] == pytest.approx(0.1 * fast_group["lr"])
        optimizer.step()
        if steered is not None:
            steered.step()
