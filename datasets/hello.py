"""A minimal sequence-to-sequence data set: the letters of "hello" and those of "ohlol"."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tuneyard.datasets.dataset import Dataset

LETTERS = ("e", "h", "l", "o")
WORD, ANSWER = "hello", "ohlol"

_TRAIN, _VALIDATION, _END = 1, 4, 5


def load(data_dir: Path | None = None) -> Dataset:  # noqa: ARG001 - every `load` takes it
    """Loads copies of one pair: `word` and `answer`, (5, 5) int64 indices in `classes`.

    The task is to memorize one pair, so no data can be held out. One copy is for training, as in
    the course, three are for validation (as many as two folds need), and one is for testing.

    Args:
        data_dir: not used: the letters are part of the package, so no file is needed.

    Source: the RNN of the course that learns hello -> ohlol.
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
    """Encodes a text as indices in `LETTERS`, (letters,).

    Raises:
        ValueError: the text has another letter.
    """
    unknown = sorted(set(text).difference(LETTERS))
    if unknown:
        raise ValueError(f"text must have letters of {''.join(LETTERS)}, got {unknown[0]!r}")
    return np.array([LETTERS.index(letter) for letter in text], dtype=np.int64)


def _copies(text: str) -> npt.NDArray[np.int64]:
    return np.tile(encode(text), (_END, 1))
