"""Tests of ring-gan: training as in a textbook, the metrics, and PBT's changes."""

import io
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tuneyard.datasets import Dataset, ring
from tuneyard.spaces.fields.gan import GanAdam, GanRMSprop
from tuneyard.spaces.fields.schedules import Cosine
from tuneyard.spaces.tasks.ring_gan import RingGanSpace
from tuneyard.trainables.layers.distances import mmd
from tuneyard.trainables.tasks.ring_gan import BANDWIDTHS, TASK, coverage
from tuneyard.trainables.training.adversarial import AdversarialLoop
from tuneyard.trainables.training.loop import start_loop
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data() -> Dataset:
    return ring.load()


@pytest.fixture
def double_precision() -> Iterator[None]:
    """Makes float64 the default of new tensors and modules."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def small(**fields: Any) -> RingGanSpace:
    return RingGanSpace(
        generator_widths=(16,), discriminator_widths=(16, 16), latent_size=4, epochs=4, **fields
    )


def textbook(config: RingGanSpace, data: Dataset, epochs: int, seed: int) -> list[torch.Tensor]:
    """Trains both networks by a loop written out as in a textbook; returns their weights."""
    torch.manual_seed(seed)
    generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    discriminator = nn.Sequential(
        *(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    )
    betas = (config.optimizer.beta1, 0.999)  # type: ignore[union-attr]
    of_generator = torch.optim.Adam(generator.parameters(), lr=config.optimizer.lr, betas=betas)
    of_discriminator = torch.optim.RMSprop(
        discriminator.parameters(), lr=config.discriminator_optimizer.lr
    )
    order = torch.Generator().manual_seed(seed)
    points = torch.tensor(data.arrays["point"][data.splits["train"]])
    ones, zeros = torch.ones(512), torch.zeros(512)
    bce = nn.functional.binary_cross_entropy_with_logits
    steps = 0
    for _ in range(epochs):
        for rows in torch.randperm(len(points), generator=order).split(512):
            real = points[rows].requires_grad_()
            fake = generator(torch.randn(512, 4)).detach()
            scores, faked = discriminator(real)[:, 0], discriminator(fake)[:, 0]
            if config.loss == "hinge":
                loss = (1 - scores).clamp(min=0).mean() + (1 + faked).clamp(min=0).mean()
            else:
                loss = bce(scores, ones) + bce(faked, zeros)
            if config.gradient_penalty is not None:
                (slope,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
                loss = loss + config.gradient_penalty / 2 * (slope.norm(dim=1) ** 2).mean()
            of_discriminator.zero_grad()
            loss.backward()
            of_discriminator.step()
            steps += 1
            if steps % config.discriminator_steps == 0:
                faked = discriminator(generator(torch.randn(512, 4)))[:, 0]
                of_generator.zero_grad()
                (-faked.mean() if config.loss == "hinge" else bce(faked, ones)).backward()
                of_generator.step()
    return [*generator.parameters(), *discriminator.parameters()]


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("penalty", [None, 0.5])
@pytest.mark.parametrize("loss", ["non_saturating", "hinge"])
def test_the_loop_equals_a_textbook_loop(
    loss: Any, penalty: float | None, steps: int, data: Dataset
) -> None:
    """In double precision, since the optimizers divide by the size of each gradient.

    A gradient that is zero but for rounding errors would move a weight in single precision, by an
    amount that differs between processors.
    """
    data = replace(data, arrays=data.arrays | {"point": data.arrays["point"].astype(np.float64)})
    config = small(
        loss=loss,
        gradient_penalty=penalty,
        discriminator_steps=steps,
        optimizer=GanAdam(lr=2e-3, beta1=0.3),
        discriminator_optimizer=GanRMSprop(lr=1e-3),
        batch_size=512,
    )
    loop = start_loop(TASK, config, data, seed=3, device=CPU)
    for _ in range(2):
        loop.train_epoch()
    mine = list(loop.problem.model.parameters())
    for one, plain in zip(mine, textbook(config, data, epochs=2, seed=3), strict=True):
        torch.testing.assert_close(one, plain, rtol=1e-4, atol=1e-6)


def test_evaluation_draws_no_noise(data: Dataset) -> None:
    torch.manual_seed(0)
    problem = TASK.problem(small(), data, CPU)
    first = problem.evaluate(problem.tensors("val"))
    torch.manual_seed(1)
    assert problem.evaluate(problem.tensors("val")) == first


def test_a_change_reaches_both_optimizers(data: Dataset) -> None:
    config = small(schedule=Cosine(final=0.1))
    loop = start_loop(TASK, config, data, seed=0, device=CPU)
    assert isinstance(loop, AdversarialLoop)
    loop.train_epoch()
    loop.end_epoch({"val_mmd": 0.1})

    def rates() -> tuple[float, float]:
        state = loop.state_dict()
        return tuple(
            one["param_groups"][0]["lr"]
            for one in (state["optimizer"], state["discriminator"]["optimizer"])
        )

    before = rates()
    assert before[0] == before[1] < 1e-3
    loop.change(
        config.model_copy(
            update={
                "optimizer": GanAdam(lr=2e-3),
                "discriminator_optimizer": GanAdam(lr=5e-4, beta1=0.1),
            }
        )
    )
    assert rates() == pytest.approx((before[0] * 2, before[1] / 2))
    betas = loop.state_dict()["discriminator"]["optimizer"]["param_groups"][0]["betas"]
    assert betas == (0.1, 0.999)


def test_restoring_a_changed_gan_is_exact(data: Dataset, train: Any, assert_same: Any) -> None:
    """Copied from another training, changed, saved and restored, as PBT does it."""
    before = small(schedule=Cosine(final=0.1), gradient_penalty=0.1, discriminator_steps=3)
    after = before.model_copy(
        update={
            "optimizer": GanAdam(lr=3e-3, beta1=0.0),
            "discriminator_optimizer": GanAdam(lr=5e-4),
        }
    )

    def copy(state: dict[str, Any], config: RingGanSpace) -> Training:
        stored = io.BytesIO()
        torch.save(state, stored)
        stored.seek(0)
        training = Training(TASK, config, [data], seed=0)
        training.load_state_dict(torch.load(stored, weights_only=True))
        return training

    donor = Training(TASK, before, [data], seed=0)
    train(donor, 1)
    training = copy(donor.state_dict(), before)
    training.change(after)
    train(training, 1)
    with pytest.raises(AssertionError):
        assert_same(training.state_dict(), copy(donor.state_dict(), before).state_dict())
    restored = copy(training.state_dict(), after)
    assert_same(train(restored), train(training))
    assert training.ended == "completed"
    assert_same(restored.state_dict(), training.state_dict())


def test_the_steps_are_counted_across_epochs_and_checkpoints(data: Dataset) -> None:
    """There is one batch per epoch, and the generator is updated after every third."""
    rows = {split: numbers[:64] for split, numbers in data.splits.items()}
    few = Dataset(data.name, data.arrays, rows, data.classes, data.stratify, data.source)
    config = small(discriminator_steps=3, batch_size=64)
    loop = start_loop(TASK, config, few, seed=0, device=CPU)
    moved = []
    for _ in range(7):
        before = next(iter(loop.problem.trainable_parameters())).detach().clone()
        state = loop.state_dict()
        loop = start_loop(TASK, config, few, seed=1, device=CPU)
        loop.load_state_dict(state)
        loop.train_epoch()
        moved.append(not torch.equal(before, next(iter(loop.problem.trainable_parameters()))))
    assert moved == [False, False, True, False, False, True, False]


# --- the metrics


def test_the_ring_itself_covers_all_modes(data: Dataset) -> None:
    points = torch.tensor(data.arrays["point"])
    modes, near = coverage(points)
    assert modes == 8
    assert near == pytest.approx(1 - math.exp(-4.5), abs=0.005)  # for a Gaussian in the plane


@pytest.mark.parametrize(("rare", "covered"), [(0, 1), (6, 1), (7, 2), (300, 2)])
def test_a_mode_is_covered_by_one_point_in_80(rare: int, covered: int) -> None:
    middles = torch.tensor(ring.centres())
    points = torch.cat([middles[2].repeat(512 - rare, 1), middles[5].repeat(rare, 1)])
    modes, near = coverage(points)
    assert (modes, near) == (covered, 1)


def test_points_between_the_modes_cover_none() -> None:
    turn = torch.pi / 8 + torch.arange(8) * torch.pi / 4
    assert coverage(torch.stack([turn.cos(), turn.sin()], 1)) == (0, 0)


def test_mmd_is_as_written_in_the_paper() -> None:
    one, other = torch.randn(7, 2).double(), torch.randn(5, 2).double() + 1

    def mean(left: torch.Tensor, right: torch.Tensor) -> float:
        kernels = [
            math.exp(-float((a - b).square().sum()) / (2 * width**2))
            for a in left
            for b in right
            for width in (0.5, 2.0)
        ]
        return sum(kernels) / len(kernels)

    squared = mean(one, one) + mean(other, other) - 2 * mean(one, other)
    assert mmd(one, other, (0.5, 2.0)).item() == pytest.approx(math.sqrt(squared), rel=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(2, 40))
def test_mmd_is_a_distance(seed: int, count: int, others: int) -> None:
    chance = torch.Generator().manual_seed(seed)
    one = torch.randn(count, 2, generator=chance)
    other = torch.randn(others, 2, generator=chance) * 3
    between = mmd(one, other, BANDWIDTHS)
    assert 0 <= between <= math.sqrt(2)
    torch.testing.assert_close(mmd(other, one, BANDWIDTHS), between, rtol=1e-3, atol=1e-3)
    assert mmd(one, one.flip(0), BANDWIDTHS) < 2e-3


def test_mmd_detects_a_lost_mode(data: Dataset) -> None:
    points, label = torch.tensor(data.arrays["point"]), torch.tensor(data.arrays["label"])
    whole, held_out = points[:512], points[1024:1536]
    lost = points[:600][label[:600] != 3][:512]
    assert mmd(whole, held_out, BANDWIDTHS) < 0.09
    assert mmd(lost, held_out, BANDWIDTHS) > mmd(whole, held_out, BANDWIDTHS) + 0.02
