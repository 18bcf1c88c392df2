"""Digits that move in a frame and bounce off its sides, generated from real images of digits."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tuneyard.datasets import images
from tuneyard.datasets.dataset import Dataset, Split

CHOICES = ("mnist", "digits", "mnist-two", "digits-two")
"""The data sets; the first is the default, and those of digits need no file."""

SIDE = 32  # pixels of a frame
FRAMES = 10  # of a sequence
DIGIT = images.SIZE // 2  # pixels of a digit

_SPEED = (1.0, 3.0)  # pixels a frame
_MOST: dict[Split, int] = {"train": 2_000, "val": 500, "test": 500}
_SEED = 0

Bytes = npt.NDArray[np.uint8]


def load(choice: str | None = None, data_dir: Path | None = None) -> Dataset:
    """Grey sequences: `frames` (n, 10, 32, 32) uint8 and `label` (n,) int64, the (first) digit.

    A digit is an image of `tuneyard.datasets.images` at half its size, 14 x 14. It starts anywhere,
    moves in a straight line in any direction by 1 to 3 pixels a frame, and is reflected by the
    sides of the frame. Where two overlap the brighter pixel shows.

    Every image is in one sequence only, and images stay in their split: no digit that is validated
    or tested on was trained on. At most 2,000, 500 and 500 sequences train, validate and test;
    scikit-learn's 1,797 digits give 1,077, 360 and 360, in pairs 538, 180 and 180. The same choice
    gives the same sequences each time.

    Args:
        choice: one of `CHOICES`: whose digits, and two of them where the name says so; None means
            mnist.
        data_dir: as for `tuneyard.datasets.images.load`.

    Raises:
        DataError: the files could not be had, or are not as described.

    Source: after Srivastava et al., Unsupervised Learning of Video Representations using LSTMs,
    2015, whose frames are 64 x 64 with two digits of 28 x 28 in 20 frames.
    """
    choice = choice or CHOICES[0]
    assert choice in CHOICES, choice
    still = images.load(choice.removesuffix("-two"), data_dir)
    digits = 2 if choice.endswith("-two") else 1
    draw = np.random.default_rng(_SEED)
    frames, label, splits = [], [], {}
    count = 0
    for split, most in _MOST.items():
        rows = draw.permutation(still.splits[split])
        sequences = min(len(rows) // digits, most)
        chosen = rows[: sequences * digits].reshape(sequences, digits)
        frames.append(move(halved(still.arrays["image"][chosen]), draw))
        label.append(still.arrays["label"][chosen[:, 0]])
        splits[split] = np.arange(count, count + sequences)
        count += sequences
    return Dataset(
        name=f"moving-{choice}",
        arrays={"frames": np.concatenate(frames), "label": np.concatenate(label)},
        splits=splits,
        classes=still.classes,
        stratify="label",
        source=still.source,
    )


def halved(image: Bytes) -> Bytes:
    """Images (..., 28, 28) at half their size, each pixel the mean of 2 x 2."""
    height, width = image.shape[-2:]
    blocks = image.reshape(*image.shape[:-2], height // 2, 2, width // 2, 2)
    smaller: Bytes = np.rint(blocks.mean(axis=(-3, -1))).astype(np.uint8)
    return smaller


def move(digits: Bytes, draw: np.random.Generator) -> Bytes:
    """Digits (n, k, 14, 14), k in a sequence, on their ways: (n, 10, 32, 32)."""
    ways = paths((*digits.shape[:2], 2), draw)
    frames = np.zeros((len(digits), FRAMES, SIDE, SIDE), dtype=np.uint8)
    for sequence, digit, step in np.ndindex(*digits.shape[:2], FRAMES):
        top, left = ways[sequence, digit, :, step]
        place = frames[sequence, step, top : top + DIGIT, left : left + DIGIT]
        np.maximum(place, digits[sequence, digit], out=place)
    return frames


def paths(shape: tuple[int, ...], draw: np.random.Generator) -> npt.NDArray[np.int64]:
    """Places (*shape, 10) of digits' upper left corners, in [0, 18].

    Args:
        shape: (..., 2), where the last axis is down and to the right.
        draw: What start, speed and direction are drawn from.
    """
    span = SIDE - DIGIT
    start = draw.uniform(0, span, shape)
    speed, angle = draw.uniform(*_SPEED, shape[:-1]), draw.uniform(0, 2 * np.pi, shape[:-1])
    velocity = np.stack([speed * np.sin(angle), speed * np.cos(angle)], axis=-1)
    straight = start[..., None] + velocity[..., None] * np.arange(FRAMES)
    # a straight line folded at 0 and at span is one that is reflected there
    folded = straight % (2 * span)
    return np.rint(np.minimum(folded, 2 * span - folded)).astype(np.int64)
