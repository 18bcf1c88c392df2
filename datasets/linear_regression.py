"""Points of the line y = 2x: the three of the course, or many with noise."""

from pathlib import Path

import numpy as np

from tuneyard.datasets.dataset import Dataset

CHOICES = ("course", "noisy")
"""The data sets; the first is the default."""

SLOPE = 2.0
NOISE = 0.5  # standard deviation of y, for noisy only

_COURSE = (1.0, 2.0, 3.0, 0.0, 1.5, 2.5, 3.5, 4.0, 5.0, 6.0)
_COURSE_ENDS = (3, 7)  # of the train and val splits
_NOISY, _NOISY_ENDS = 200, (120, 160)
_SEED = 0


def load(choice: str | None = None, data_dir: Path | None = None) -> Dataset:  # noqa: ARG001
    """Loads points of a line: `x` and `y`, both (n,) float32.

    course: the train split has the three points of the course, (1, 2), (2, 4) and (3, 6). Since
    three points cannot be split, four more points of the same line are the val split, and three
    with larger x the test split; the first of those, x = 4, is the one the course tests.

    noisy: 200 points with x uniform in [0, 4] and normal noise of 0.5 on y, drawn with a fixed
    seed: 120 for train, 40 for val, 40 for test. No model's expected squared error is below 0.25.

    Args:
        choice: one of `CHOICES`; None means course.
        data_dir: not used: the points are computed, so no file is needed.

    Source: the course's linear regression.
    """
    choice = choice or CHOICES[0]
    assert choice in CHOICES, choice
    draw = np.random.default_rng(_SEED)
    if choice == "course":
        x, noise, ends = np.array(_COURSE), np.zeros(len(_COURSE)), _COURSE_ENDS
    else:
        x, noise = draw.uniform(0, 4, _NOISY), draw.normal(0, NOISE, _NOISY)
        ends = _NOISY_ENDS
    train, validation, test = np.split(np.arange(len(x)), ends)
    return Dataset(
        name=f"linear-regression-{choice}",
        arrays={"x": x.astype(np.float32), "y": (SLOPE * x + noise).astype(np.float32)},
        splits={"train": train, "val": validation, "test": test},
        classes=(),
        stratify=None,
        source="package",
    )
