"""How rows are divided into folds: stratified by class, or in time order."""

from typing import Any  # Any: a data set may hold numbers of any type

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]

# The seed is fixed, so that every search and every trial has the same folds.
_SEED = 0


def time_series_fold(rows: int, index: int, folds: int) -> tuple[Rows, Rows]:
    """The rows of the train and val splits of a fold with an expanding window, in [0, rows - 1].

    The validation windows cover the later half of the rows. The first of them is left with the
    earlier half to train on, which must be long enough for a model that looks back several years.

    Raises:
        ValueError: `folds` is above half the rows.
    """
    from sklearn.model_selection import TimeSeriesSplit

    _check_maximum(folds, rows // 2, "half the rows of train and validation")
    splits = TimeSeriesSplit(folds, test_size=rows // 2 // folds)
    train, validation = list(splits.split(np.arange(rows)))[index]
    return train, validation


def stratified_folds(labels: Array, folds: int) -> Rows:
    """The fold, in [0, folds - 1], whose val split has each row, (rows,), stratified by class.

    Raises:
        ValueError: `folds` is above the rows of the smallest class.
    """
    from sklearn.model_selection import StratifiedKFold

    rows = np.unique(labels, return_counts=True)[1]
    smallest = int(rows.min()) if rows.size else 0
    _check_maximum(folds, smallest, "the rows of the smallest class in train and validation")
    fold_of = np.empty(len(labels), dtype=np.int64)
    splits = StratifiedKFold(folds, shuffle=True, random_state=_SEED)
    for fold, (_, held_out) in enumerate(splits.split(labels, labels)):
        fold_of[held_out] = fold
    return fold_of


def _check_maximum(folds: int, most: int, what: str) -> None:
    if folds > most:
        raise ValueError(f"folds must be at most {most}, {what}, got {folds}")
