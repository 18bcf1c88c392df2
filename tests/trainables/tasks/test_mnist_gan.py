"""Tests of mnist-gan: its networks, and the Frechet distance with the fixed encoder."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy import linalg
from torch import nn

from tuneyard.datasets import Dataset, images
from tuneyard.spaces.tasks.mnist_gan import Convolutional, Dense, MnistGanSpace
from tuneyard.trainables.layers.distances import frechet
from tuneyard.trainables.layers.features import Features
from tuneyard.trainables.tasks.mnist_gan import TASK, MnistGanProblem
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")
NETWORKS = [
    Dense(generator_width=64, discriminator_width=64),
    Convolutional(generator_channels=8, discriminator_channels=8),
]


@pytest.fixture(scope="module")
def data(datasets: Any) -> Dataset:
    return datasets("mnist-gan")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return images.load("digits")


def made(config: MnistGanSpace, data: Dataset) -> MnistGanProblem:
    torch.manual_seed(0)
    problem = TASK.problem(config, data, CPU)
    assert isinstance(problem, MnistGanProblem)
    return problem


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.kind)
def test_noise_becomes_images_and_images_scores(
    network: Dense | Convolutional, batch_norm: bool, data: Dataset
) -> None:
    problem = made(MnistGanSpace(network=network, batch_norm=batch_norm, latent_size=5), data)
    drawn = problem.fake(7)
    assert drawn.shape == (7, 1, 28, 28)
    assert -1 <= drawn.min() < drawn.max() <= 1
    assert problem.model.discriminator(drawn).shape == (7,)
    norms = [m for m in problem.model.modules() if "BatchNorm" in type(m).__name__]
    assert (len(norms) == 2) is batch_norm
    real = problem.real(problem.tensors("train"))
    assert (real.min(), real.max()) == (-1, 1)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.kind)
def test_the_exported_model_generates_the_evaluated_samples(
    network: Dense | Convolutional, data: Dataset
) -> None:
    training = Training(TASK, MnistGanSpace(network=network, epochs=2), [data], seed=0)
    while training.ended is None:
        training.run_epoch()
    (problem,) = training.problems
    assert isinstance(problem, MnistGanProblem)
    module, example = problem.export()
    with torch.no_grad():
        greys = module(torch.tensor(example))
        drawn = problem.generate(problem.latents[:2])
    assert greys.shape == (2, 28, 28)
    assert 0 <= greys.min() <= greys.max() <= 255
    torch.testing.assert_close(greys / 127.5 - 1, drawn[:, 0])


def test_evaluation_draws_no_noise_and_does_not_change_batch_norm(data: Dataset) -> None:
    problem = made(MnistGanSpace(), data)
    problem.model.eval()
    with torch.no_grad():
        first = problem.evaluate(problem.tensors("val"))
        torch.manual_seed(5)
        assert problem.evaluate(problem.tensors("val")) == first


def test_a_generator_that_is_not_finite_has_no_distance(data: Dataset) -> None:
    problem = made(MnistGanSpace(batch_norm=False), data)
    with torch.no_grad():
        next(problem.model.generator.parameters()).fill_(torch.nan)
        metrics = problem.evaluate(problem.tensors("val"))
    assert metrics["frechet"].isnan()
    assert metrics["loss"].isnan()


# --- the distance


def test_frechet_equals_scipys() -> None:
    draw = np.random.default_rng(0)
    mix = draw.normal(size=(6, 6))
    one, other = draw.normal(size=(50, 6)), draw.normal(size=(80, 6)) @ mix + 1
    first, second = np.cov(one.T), np.cov(other.T)
    root = linalg.sqrtm(first @ second).real
    expected = np.square(one.mean(0) - other.mean(0)).sum() + np.trace(first + second - 2 * root)
    assert frechet(torch.tensor(one), torch.tensor(other)).item() == pytest.approx(expected)
    swapped = frechet(torch.tensor(other), torch.tensor(one))
    assert swapped.item() == pytest.approx(expected)


def test_frechet_of_a_shift_and_of_a_scale() -> None:
    points = torch.randn(500, 4, generator=torch.Generator().manual_seed(0)).double()
    assert frechet(points, points).item() == pytest.approx(0, abs=1e-9)
    assert frechet(points, points + 2).item() == pytest.approx(4 * 4)
    spread = points.var(0).sum().item()
    # the distance of deviations s and 3 s of the same shape is 2 s
    middle = points - points.mean(0)
    assert frechet(middle, 3 * middle).item() == pytest.approx(4 * spread)


@pytest.mark.parametrize("count", [2, 5])
def test_frechet_allows_fewer_points_than_features(count: int) -> None:
    few = torch.randn(count, 9, generator=torch.Generator().manual_seed(0))
    assert frechet(few, few).item() == pytest.approx(0, abs=1e-6)
    assert frechet(few, few + 1).item() == pytest.approx(9, rel=1e-4)


def test_the_encoder_is_always_the_same() -> None:
    torch.manual_seed(1)
    encoder = Features()
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    ramp = torch.linspace(0, 1, 784).reshape(1, 1, 28, 28)
    known = torch.tensor([0.0, 1.4354, 0.0, 0.0, 0.0, 0.5356])
    torch.testing.assert_close(encoder(ramp)[0, :6], known, rtol=0, atol=1e-4)


def test_the_distance_detects_visible_faults(digits: Dataset) -> None:
    pixels = torch.tensor(digits.arrays["image"])[:, None] / 255
    label = torch.tensor(digits.arrays["label"])
    half, rest = pixels[::2], pixels[1::2]
    encoder = Features()

    def distance(images: torch.Tensor) -> float:
        return frechet(encoder(half), encoder(images)).item()

    chance = torch.Generator().manual_seed(0)
    same = distance(rest)
    noisy = (rest + 0.2 * torch.randn(rest.shape, generator=chance)).clamp(0, 1)
    flat = half.flatten(1)
    values, vectors = torch.linalg.eigh(flat.T.cov())
    blots = torch.randn(len(rest), 784, generator=chance) * values.clamp(min=0).sqrt() @ vectors.T
    faults = {
        "one digit alone": rest[label[1::2] == 3],
        "half of the digits": rest[label[1::2] < 5],
        "blurred": nn.functional.avg_pool2d(rest, 5, 1, 2),
        "noisy": noisy,
        "mirrored": rest.flip(3),
        "pixels' means and covariances": (blots + flat.mean(0)).clamp(0, 1).reshape(rest.shape),
    }
    for fault, images_with_it in faults.items():
        assert distance(images_with_it) > 2 * same, fault
