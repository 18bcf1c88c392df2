"""Segments of a sine, each starting at a random phase."""

from pathlib import Path

import numpy as np

from tuneyard.datasets.dataset import Dataset

LENGTH = 50  # samples per segment
SPAN = 10.0  # radians from its first sample to its last, as in the course

_TRAIN, _VALIDATION, _END = 100, 150, 200
_SEED = 0


def load(data_dir: Path | None = None) -> Dataset:  # noqa: ARG001 - every `load` takes it
    """Loads 200 segments: `sine` (200, 50) float32 in [-1, 1], 10 radians long.

    They start at phases in [0, 2 pi), drawn with a fixed seed: 100 for train, 50 for val, 50 for
    test. The course draws one of three phases at each step.

    Args:
        data_dir: not used: the segments are computed, so no file is needed.

    Source: the course's time series forecast with an RNN.
    """
    starts = np.random.default_rng(_SEED).uniform(0, 2 * np.pi, _END)
    angles = starts[:, None] + np.linspace(0, SPAN, LENGTH)
    rows = np.arange(_END)
    return Dataset(
        name="sine-forecast",
        arrays={"sine": np.sin(angles).astype(np.float32)},
        splits={
            "train": rows[:_TRAIN],
            "val": rows[_TRAIN:_VALIDATION],
            "test": rows[_VALIDATION:],
        },
        classes=(),
        stratify=None,
        source="package",
    )
