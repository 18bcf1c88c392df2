"""Digits that move in a frame and bounce off its sides, generated from real images of digits."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tuneyard.datasets import images
from tuneyard.datasets.dataset import Dataset, Split

CHOICES = ("mnist", "digits", "mnist-two", "digits-two")
"""The data sets; the first is the default, and the two of ``digits`` need no file."""

SIDE = 32  # side of a frame in pixels
FRAMES = 10  # per sequence
DIGIT = images.SIZE // 2  # side of a digit in pixels

_SPEED = (1.0, 3.0)  # pixels per frame
_MAX_SEQUENCES: dict[Split, int] = {"train": 2_000, "val": 500, "test": 500}
_SEED = 0

Bytes = npt.NDArray[np.uint8]


def load(choice: str | None = None, data_dir: Path | None = None) -> Dataset:
    """Loads grey sequences: `frames` (n, 10, 32, 32) uint8, `label` (n,) int64, the first digit.

    A digit is an image of `tuneyard.datasets.images` at half its size, 14 x 14. It starts at a
    random position, moves in a straight line in a random direction by 1 to 3 pixels per frame, and
    bounces off the sides of the frame. Where two digits overlap, the brighter pixel is shown.

    Every image is in one sequence only and stays in its split, so digits for validation and testing
    are never used in training. There are at most 2,000 sequences for train, 500 for val and 500 for
    test; scikit-learn's 1,797 digits give 1,077, 360 and 360, and in pairs 538, 180 and 180. The
    same choice always gives the same sequences.

    Args:
        choice: one of `CHOICES`: the source of the digits, with two digits per sequence if it ends
            in ``-two``; None means mnist.
        data_dir: as for `tuneyard.datasets.images.load`.

    Raises:
        DataError: the files are not available, or not as described.

    Source: after Srivastava et al., Unsupervised Learning of Video Representations using LSTMs,
    2015, whose frames are 64 x 64 with two digits of 28 x 28 in 20 frames.
    """
    choice = choice or CHOICES[0]
    assert choice in CHOICES, choice
    source_images = images.load(choice.removesuffix("-two"), data_dir)
    digits = 2 if choice.endswith("-two") else 1
    draw = np.random.default_rng(_SEED)
    frames, label, splits = [], [], {}
    count = 0
    for split, maximum in _MAX_SEQUENCES.items():
        rows = draw.permutation(source_images.splits[split])
        sequences = min(len(rows) // digits, maximum)
        chosen = rows[: sequences * digits].reshape(sequences, digits)
        frames.append(move(halved(source_images.arrays["image"][chosen]), draw))
        label.append(source_images.arrays["label"][chosen[:, 0]])
        splits[split] = np.arange(count, count + sequences)
        count += sequences
    return Dataset(
        name=f"moving-{choice}",
        arrays={"frames": np.concatenate(frames), "label": np.concatenate(label)},
        splits=splits,
        classes=source_images.classes,
        stratify="label",
        source=source_images.source,
    )


def halved(image: Bytes) -> Bytes:
    """Halves images (..., 28, 28) in height and width, by the mean of each 2 x 2 pixels."""
    height, width = image.shape[-2:]
    blocks = image.reshape(*image.shape[:-2], height // 2, 2, width // 2, 2)
    smaller: Bytes = np.rint(blocks.mean(axis=(-3, -1))).astype(np.uint8)
    return smaller


def move(digits: Bytes, draw: np.random.Generator) -> Bytes:
    """Moves digits (n, k, 14, 14), k per sequence, along random paths: (n, 10, 32, 32)."""
    positions = paths((*digits.shape[:2], 2), draw)
    frames = np.zeros((len(digits), FRAMES, SIDE, SIDE), dtype=np.uint8)
    for sequence, digit, step in np.ndindex(*digits.shape[:2], FRAMES):
        top, left = positions[sequence, digit, :, step]
        place = frames[sequence, step, top : top + DIGIT, left : left + DIGIT]
        np.maximum(place, digits[sequence, digit], out=place)
    return frames


def paths(shape: tuple[int, ...], draw: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draws paths of the digits' upper left corners, (*shape, 10), in [0, 18].

    Args:
        shape: (..., 2), where the last axis is (down, right).
        draw: The random generator for start, speed and direction.
    """
    span = SIDE - DIGIT
    start = draw.uniform(0, span, shape)
    speed, angle = draw.uniform(*_SPEED, shape[:-1]), draw.uniform(0, 2 * np.pi, shape[:-1])
    velocity = np.stack([speed * np.sin(angle), speed * np.cos(angle)], axis=-1)
    straight = start[..., None] + velocity[..., None] * np.arange(FRAMES)
    # folding a straight line at 0 and at span reflects it there
    folded = straight % (2 * span)
    return np.rint(np.minimum(folded, 2 * span - folded)).astype(np.int64)
