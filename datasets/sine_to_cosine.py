"""A sine and the cosine of the same angles, sampled twenty times a period."""

from pathlib import Path

import numpy as np

from tuneyard.datasets.dataset import Dataset

STEP = np.pi / 10  # radians between samples, as in the course
_POINTS = 50  # of each split: two periods and a half
_SHIFTS = (0.0, 0.5, 0.25)  # of the splits' samples against each other, in steps


def load(data_dir: Path | None = None) -> Dataset:  # noqa: ARG001 - all data sets load alike
    """The samples in order: `sine` (150,) and `cosine` (150,), float32 in [-1, 1].

    Each split is two periods and a half, 50 samples. Train begins at phase 0; validation and test
    are sampled half a step and a quarter of a step beside it, at phases that training never meets.

    Args:
        data_dir: not looked into: the samples are computed, so no file is needed.

    Source: the RNN_Regression of the Pytorch-Learning course.
    """
    angles = [(np.arange(_POINTS) + shift) * STEP for shift in _SHIFTS]
    rows = np.arange(len(_SHIFTS) * _POINTS)
    return Dataset(
        name="sine-to-cosine",
        arrays={
            "sine": np.sin(np.concatenate(angles)).astype(np.float32),
            "cosine": np.cos(np.concatenate(angles)).astype(np.float32),
        },
        splits={
            "train": rows[:_POINTS],
            "val": rows[_POINTS : 2 * _POINTS],
            "test": rows[2 * _POINTS :],
        },
        classes=(),
        stratify=None,
        source="package",
    )
