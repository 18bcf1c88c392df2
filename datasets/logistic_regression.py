"""Hours of study and exam results: the three students of the course, or many others."""

from pathlib import Path

import numpy as np

from tuneyard.datasets.dataset import Dataset

CHOICES = ("course", "noisy")
"""The data sets; the first is the default."""

CLASSES = ("failed", "passed")

THRESHOLD = 2.5  # hours at which passing is as likely as failing
STEEPNESS = 2.0  # increase of the logit per hour, for noisy only

_COURSE = (1.0, 2.0, 3.0, 0.0, 1.5, 3.5, 5.0, 0.5, 2.25, 2.75, 4.0)
_COURSE_ENDS = (3, 7)  # of the train and val splits
_NOISY, _NOISY_ENDS = 300, (180, 240)
_SEED = 0


def load(choice: str | None = None, data_dir: Path | None = None) -> Dataset:  # noqa: ARG001
    """Loads students: `hours` (n,) float32 and `label` (n,) int64, 1 for passed.

    course: the train split has the three students of the course, who failed after one hour and two
    hours and passed after three. Since three students cannot be split, the val and test splits have
    four more each, who pass above two and a half hours; the last, with four hours, is the one the
    course tests.

    noisy: 300 students with hours uniform in [0, 5], who pass with a probability of
    1 / (1 + exp(-2 (hours - 2.5))), drawn with a fixed seed: 180 for train, 60 for val, 60 for
    test.

    Args:
        choice: one of `CHOICES`; None means course.
        data_dir: not used: the students are computed, so no file is needed.

    Source: the course's logistic regression.
    """
    choice = choice or CHOICES[0]
    assert choice in CHOICES, choice
    draw = np.random.default_rng(_SEED)
    if choice == "course":
        hours, ends = np.array(_COURSE), _COURSE_ENDS
        passed = hours > THRESHOLD
    else:
        hours, ends = draw.uniform(0, 5, _NOISY), _NOISY_ENDS
        passed = draw.random(_NOISY) < 1 / (1 + np.exp(-STEEPNESS * (hours - THRESHOLD)))
    train, validation, test = np.split(np.arange(len(hours)), ends)
    return Dataset(
        name=f"logistic-regression-{choice}",
        arrays={"hours": hours.astype(np.float32), "label": passed.astype(np.int64)},
        splits={"train": train, "val": validation, "test": test},
        classes=CLASSES,
        stratify="label",
        source="package",
    )
