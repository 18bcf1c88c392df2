"""Tests of structural similarity: the properties of Wang et al., 2004, and one window."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tuneyard.trainables.layers.ssim import C1, C2, ssim

seeds = st.integers(0, 999)


def random_images(seed: int) -> tuple[Tensor, Tensor]:
    chance = torch.Generator().manual_seed(seed)
    one, other = torch.rand(2, 3, 14, 16, generator=chance)
    return one, other


@given(seeds)
def test_it_is_symmetric_bounded_and_one_for_equal_images(seed: int) -> None:
    one, other = random_images(seed)
    similarity = ssim(one, other)
    assert similarity.shape == (3,)
    assert (similarity.abs() <= 1).all()
    torch.testing.assert_close(similarity, ssim(other, one))
    torch.testing.assert_close(ssim(one, one), torch.ones(3))


@given(seeds)
def test_more_noise_is_less_similar(seed: int) -> None:
    one, other = random_images(seed)
    near, far = ssim(one, one + 0.1 * (other - one)), ssim(one, one + 0.5 * (other - one))
    assert (near > far).all()


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.7), (0.0, 1.0)])
def test_for_two_uniform_images_it_is_the_luminance_term(low: float, high: float) -> None:
    expected = (2 * low * high + C1) / (low**2 + high**2 + C1)
    answer = ssim(torch.full((1, 12, 12), low), torch.full((1, 12, 12), high))
    assert answer.item() == pytest.approx(expected, abs=1e-4)


def test_one_window_as_in_the_paper() -> None:
    one, other = (image[:1, :11, :11].double() for image in random_images(0))
    places = np.arange(11) - 5
    gauss = np.exp(-(places**2) / (2 * 1.5**2))
    weights = np.outer(gauss, gauss) / gauss.sum() ** 2
    x, y = one[0].numpy(), other[0].numpy()
    mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
    var_x, var_y = (weights * (x - mean_x) ** 2).sum(), (weights * (y - mean_y) ** 2).sum()
    covariance = (weights * (x - mean_x) * (y - mean_y)).sum()
    expected = ((2 * mean_x * mean_y + C1) * (2 * covariance + C2)) / (
        (mean_x**2 + mean_y**2 + C1) * (var_x + var_y + C2)
    )
    assert ssim(one, other).item() == pytest.approx(expected, rel=1e-9)


def test_an_image_and_its_negative_have_a_negative_similarity() -> None:
    one, _ = random_images(1)
    assert (ssim(one, 1 - one) < 0).all()
