"""Tests of augmentation: the effect of each field, with a separate draw for each image."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as reference

from tuneyard.spaces.fields.augmentation import Augmentation
from tuneyard.trainables.layers.augmentation import _affine_maps, augment


def blobs(count: int, *size: int) -> torch.Tensor:
    """Smooth images (count, C, H, W), black near the edge."""
    torch.manual_seed(0)
    height, width = size[-2:]
    images = torch.rand(count, size[0] if len(size) == 3 else 1, height, width)
    images = torch.nn.functional.avg_pool2d(images, 5, stride=1, padding=2)
    mask = torch.zeros(height, width)
    mask[height // 4 : -height // 4, width // 4 : -width // 4] = 1
    return images * mask


def test_the_defaults_change_nothing_and_draw_nothing() -> None:
    images, state = blobs(3, 1, 28, 28), torch.get_rng_state()
    state = torch.get_rng_state()
    assert augment(images, Augmentation()) is images
    assert torch.equal(torch.get_rng_state(), state)


def test_every_image_is_itself_or_its_mirror_image() -> None:
    images = blobs(400, 3, 8, 12)
    changed = augment(images, Augmentation(horizontal_flip=True))
    same = (changed == images).flatten(1).all(1)
    mirrored = (changed == images.flip(-1)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 140 < int(mirrored.sum()) < 260


@pytest.mark.parametrize("shift", [1, 4])
def test_a_shift_is_whole_pixels_with_black_from_outside(shift: int) -> None:
    images = blobs(300, 1, 28, 28)
    changed = augment(images, Augmentation(shift=shift))
    padded = torch.nn.functional.pad(images, [shift] * 4)
    seen = set()
    for index in range(len(images)):
        fits = [
            (y, x)
            for y in range(2 * shift + 1)
            for x in range(2 * shift + 1)
            if torch.allclose(padded[index, :, y : y + 28, x : x + 28], changed[index], atol=1e-5)
        ]
        assert len(fits) == 1
        seen.update(fits)
    assert len(seen) > (2 * shift + 1) ** 2 * 0.8


@pytest.mark.parametrize("size", [(28, 28), (20, 32)])
def test_rotation_and_scaling_equal_torchvisions(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    images, how = blobs(5, 1, *size), Augmentation(rotation=30.0, scaling=0.3)
    draws = 2 * torch.rand(2, 5) - 1
    monkeypatch.setattr(torch, "rand", lambda *_, **__: (draws + 1) / 2)
    changed = augment(images, how)
    for index, (angle, grown) in enumerate(draws.t().tolist()):
        expected = reference.affine(
            images[index],
            angle=angle * 30.0,
            translate=[0, 0],
            scale=1 + 0.3 * grown,
            shear=[0.0, 0.0],
            interpolation=reference.InterpolationMode.BILINEAR,
        )
        torch.testing.assert_close(changed[index], expected, rtol=0, atol=2e-3)


@given(
    rotation=st.floats(0, 30),
    scaling=st.floats(0, 0.3),
    shift=st.integers(0, 4),
)
@settings(deadline=None, max_examples=30)
def test_every_draw_is_within_its_bounds(rotation: float, scaling: float, shift: int) -> None:
    how = Augmentation(rotation=rotation, scaling=scaling, shift=shift)
    maps = _affine_maps(torch.zeros(50, 1, 28, 28), how)
    assert maps.shape == (50, 2, 3)
    scale = 1 / torch.linalg.det(maps[:, :, :2]).sqrt()
    angle = torch.rad2deg(torch.atan2(maps[:, 1, 0], maps[:, 0, 0])).abs()
    assert float(angle.max()) <= rotation + 1e-3
    assert 1 - scaling - 1e-4 <= float(scale.min()) <= float(scale.max()) <= 1 + scaling + 1e-4
    assert float(maps[:, :, 2].abs().max()) <= 2 * shift / 28 + 1e-6


def test_noise_has_its_standard_deviation() -> None:
    changed = augment(torch.full((200, 1, 28, 28), 0.5), Augmentation(noise=0.2)) - 0.5
    assert abs(float(changed.std()) - 0.2) < 0.01
    assert abs(float(changed.mean())) < 0.01
    assert not torch.equal(changed[0], changed[1])


def test_each_image_has_its_own_draw_from_the_seed() -> None:
    images = blobs(1, 1, 28, 28).repeat(8, 1, 1, 1)
    how = Augmentation(rotation=20.0, scaling=0.2, shift=2, noise=0.1, horizontal_flip=True)

    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return augment(images, how)

    first = drawn(1)
    assert torch.equal(drawn(1), first)
    assert not torch.equal(drawn(2), first)
    assert len({tuple(image.flatten().tolist()) for image in first}) == 8
    assert math.isfinite(float(first.sum()))
    assert first.shape == images.shape
    assert first.dtype == images.dtype
