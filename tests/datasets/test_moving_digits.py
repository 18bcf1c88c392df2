"""Tests of the moving digits: their paths, and that no digit is in two sequences."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneyard.datasets import Dataset, images, moving_digits
from tuneyard.datasets.moving_digits import DIGIT, FRAMES, SIDE, halved, move, paths


@pytest.fixture(scope="module")
def one() -> Dataset:
    return moving_digits.load("digits")


@pytest.fixture(scope="module")
def two() -> Dataset:
    return moving_digits.load("digits-two")


def digits_of(frames: np.ndarray) -> np.ndarray:
    """The sums of rows and columns of the digit in each first frame, cropped to its ink."""
    first = frames[:, 0].astype(int)
    sums = [np.sort(first.sum(axis))[:, -DIGIT:] for axis in (1, 2)]
    return np.concatenate(sums, axis=1)


def test_the_moving_digits_are_as_described(one: Dataset, two: Dataset) -> None:
    for data, counts in ((one, (1077, 360, 360)), (two, (538, 180, 180))):
        frames, label = data.arrays["frames"], data.arrays["label"]
        assert frames.shape == (sum(counts), FRAMES, SIDE, SIDE)
        assert frames.dtype == np.uint8
        assert label.dtype == np.int64
        assert tuple(len(rows) for rows in data.splits.values()) == counts
        assert data.stratify == "label"
        assert data.classes == tuple("0123456789")
        assert data.source == "package"
    assert (one.name, two.name) == ("moving-digits", "moving-digits-two")


def test_the_same_choice_gives_the_same_sequences(one: Dataset) -> None:
    assert moving_digits.load("digits").fingerprint == one.fingerprint


def test_mnist_is_the_default(data_dir: Path) -> None:
    data = moving_digits.load(None, data_dir)
    assert data.name == "moving-mnist"
    assert [len(rows) for rows in data.splits.values()] == [2000, 500, 500]


def test_no_digit_is_in_two_sequences(one: Dataset) -> None:
    """Each image of the source data set is found once, in the same split."""
    still = images.load("digits")
    frames = one.arrays["frames"]
    for split in ("train", "val", "test"):
        shown = digits_of(frames[one.splits[split]])
        known = halved(still.arrays["image"][still.splits[split]])
        placed = np.zeros((len(known), 1, SIDE, SIDE), dtype=np.uint8)
        placed[:, 0, :DIGIT, :DIGIT] = known
        expected = digits_of(placed)
        assert sorted(map(tuple, shown.tolist())) == sorted(map(tuple, expected.tolist()))


def test_a_digit_stays_in_the_frame_and_keeps_its_ink(one: Dataset) -> None:
    ink = one.arrays["frames"].sum(axis=(2, 3), dtype=np.int64)
    assert (ink == ink[:, :1]).all()
    assert (ink > 0).all()


def test_two_digits_have_no_more_ink_than_separate_ones() -> None:
    draw = np.random.default_rng(0)
    digits = draw.integers(0, 256, (20, 2, DIGIT, DIGIT), dtype=np.uint8)
    frames = move(digits, draw)
    ink = frames.sum(axis=(2, 3), dtype=np.int64)
    apart = digits.sum(axis=(1, 2, 3), dtype=np.int64)[:, None]
    assert (ink <= apart).all()
    assert (ink < apart).any()


@given(seed=st.integers(0, 10**6))
def test_a_path_is_straight_and_bounces_off_the_sides(seed: int) -> None:
    ways = paths((50, 1, 2), np.random.default_rng(seed))
    span = SIDE - DIGIT
    assert ways.shape == (50, 1, 2, FRAMES)
    assert ways.min() >= 0
    assert ways.max() <= span
    steps = np.diff(ways, axis=-1)
    # at most 3 pixels, and half a pixel of rounding error at both ends
    assert np.abs(steps).max() <= 4
    inside = (ways[..., 1:-1] > 3) & (ways[..., 1:-1] < span - 3)
    turns = np.abs(np.diff(steps, axis=-1))
    assert turns[inside].max() <= 2  # the rounding error


def test_an_image_at_half_its_size_is_the_mean_of_four_pixels() -> None:
    image = np.array([[0, 100, 8, 8], [100, 200, 8, 9]], dtype=np.uint8)
    assert halved(image).tolist() == [[100, 8]]
