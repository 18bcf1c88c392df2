"""Hours of study and whether the exam was passed: the course's three students, or many."""

from pathlib import Path

import numpy as np

from tuneyard.datasets.dataset import Dataset

CHOICES = ("course", "noisy")
"""The data sets; the first is the default."""

CLASSES = ("failed", "passed")

THRESHOLD = 2.5  # hours at which passing is as likely as failing
STEEPNESS = 2.0  # of the logit by hour, noisy alone

_COURSE = (1.0, 2.0, 3.0, 0.0, 1.5, 3.5, 5.0, 0.5, 2.25, 2.75, 4.0)
_COURSE_ENDS = (3, 7)  # of train and of validation
_NOISY, _NOISY_ENDS = 300, (180, 240)
_SEED = 0


def load(choice: str | None = None, data_dir: Path | None = None) -> Dataset:  # noqa: ARG001
    """Students: `hours` (n,) float32 and `label` (n,) int64, 1 for passed.

    course: the course's three students, who failed after one hour and after two and passed after
    three, to train. Three can't be split, so further ones of the same law (passed above two hours
    and a half) validate and test, four each; the last is the course's own, four hours.

    noisy: 300 students with hours uniform in [0, 5], who pass with the probability
    1 / (1 + exp(-2 (hours - 2.5))), drawn once with a fixed seed: 180 to train, 60 to validate, 60
    to test.

    Args:
        choice: one of `CHOICES`; None means course.
        data_dir: not looked into: the students are computed, so no file is needed.

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
