"""How rows are dealt into folds: by class, or in time order."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]  # of whatever numbers a data set holds
Rows = npt.NDArray[np.int64]

# Folds are part of the data, not of a trial: every search and every trial gets the same ones.
_SEED = 0


def time_series_fold(rows: int, index: int, folds: int) -> tuple[Rows, Rows]:
    """Places, in [0, rows - 1], to train and to validate on: windows that expand in time order.

    The windows cover the later half of the rows: the earlier half is what the first of them has to
    train on, and a model that looks back over years must find years there.

    Raises:
        ValueError: `folds` is above half the rows.
    """
    from sklearn.model_selection import TimeSeriesSplit

    _check_most(folds, rows // 2, "half the rows of train and validation")
    splits = TimeSeriesSplit(folds, test_size=rows // 2 // folds)
    train, validation = list(splits.split(np.arange(rows)))[index]
    return train, validation


def stratified_folds(labels: Array, folds: int) -> Rows:
    """The fold, in [0, folds - 1], that holds out each row: (rows,), every class spread evenly.

    Raises:
        ValueError: `folds` is above the rows of the smallest class.
    """
    from sklearn.model_selection import StratifiedKFold

    rows = np.unique(labels, return_counts=True)[1]
    smallest = int(rows.min()) if rows.size else 0
    _check_most(folds, smallest, "the rows of the smallest class in train and validation")
    fold_of = np.empty(len(labels), dtype=np.int64)
    splits = StratifiedKFold(folds, shuffle=True, random_state=_SEED)
    for fold, (_, held_out) in enumerate(splits.split(labels, labels)):
        fold_of[held_out] = fold
    return fold_of


def _check_most(folds: int, most: int, what: str) -> None:
    if folds > most:
        raise ValueError(f"folds must be at most {most}, {what}, got {folds}")
