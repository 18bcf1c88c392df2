"""Pieces of a sine, each from a random phase."""

from pathlib import Path

import numpy as np

from tuneyard.datasets.dataset import Dataset

LENGTH = 50  # samples of a piece
SPAN = 10.0  # radians from its first sample to its last, as in the course

_TRAIN, _VALIDATION, _END = 100, 150, 200
_SEED = 0


def load(data_dir: Path | None = None) -> Dataset:  # noqa: ARG001 - all data sets load alike
    """200 pieces: `sine` (200, 50) float32 in [-1, 1], from a phase in [0, 2 pi) over 10 radians.

    The phases are drawn once, with a fixed seed: 100 to train, 50 to validate, 50 to test. The
    course draws among three phases, at each step anew.

    Args:
        data_dir: not looked into: the pieces are computed, so no file is needed.

    Source: the course's time series forecast by an RNN.
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
