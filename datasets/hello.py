"""The smallest sequence-to-sequence data: the letters of "hello", and those of "ohlol"."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tuneyard.datasets.dataset import Dataset

LETTERS = ("e", "h", "l", "o")
WORD, ANSWER = "hello", "ohlol"

_TRAIN, _VALIDATION, _END = 1, 4, 5


def load(data_dir: Path | None = None) -> Dataset:  # noqa: ARG001 - all data sets load alike
    """Copies of the one pair: `word` (5, 5) int64, `answer` (5, 5) int64, places in `classes`.

    There is nothing to hold out: the task is to learn one pair by heart. One copy is trained on, as
    in the course; three validate (as many as two folds need), one tests.

    Args:
        data_dir: not looked into: the letters ship in the package, so no file is needed.

    Source: the course's RNN that learns hello -> ohlol.
    """
    rows = np.arange(_END)
    return Dataset(
        name="hello",
        arrays={"word": _copies(WORD), "answer": _copies(ANSWER)},
        splits={
            "train": rows[:_TRAIN],
            "val": rows[_TRAIN:_VALIDATION],
            "test": rows[_VALIDATION:],
        },
        classes=LETTERS,
        stratify=None,
        source="package",
    )


def encode(text: str) -> npt.NDArray[np.int64]:
    """A text as places in `LETTERS`: (letters,).

    Raises:
        ValueError: a letter is none of them.
    """
    unknown = sorted(set(text).difference(LETTERS))
    if unknown:
        raise ValueError(f"text must have letters of {''.join(LETTERS)}, got {unknown[0]!r}")
    return np.array([LETTERS.index(letter) for letter in text], dtype=np.int64)


def _copies(text: str) -> npt.NDArray[np.int64]:
    return np.tile(encode(text), (_END, 1))
