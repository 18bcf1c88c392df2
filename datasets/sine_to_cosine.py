"""A sine and the cosine of the same angles, sampled twenty times per period."""

from pathlib import Path

import numpy as np

from tuneyard.datasets.dataset import Dataset

STEP = np.pi / 10  # radians between samples, as in the course
_POINTS = 50  # samples per split: two and a half periods
_SHIFTS = (0.0, 0.5, 0.25)  # phase shifts of the train, val and test splits, in steps


def load(data_dir: Path | None = None) -> Dataset:  # noqa: ARG001 - every `load` takes it
    """Loads the samples in time order: `sine` (150,) and `cosine` (150,), float32 in [-1, 1].

    Each split has two and a half periods, 50 samples. The train split begins at phase 0; the val
    and test splits are shifted by half a step and a quarter of a step, so that they have phases
    that do not occur in training.

    Args:
        data_dir: not used: the samples are computed, so no file is needed.

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
