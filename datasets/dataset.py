"""`Dataset`: the raw arrays of a data set, the rows of each split, and a fingerprint."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeVar, get_args

import numpy as np
import numpy.typing as npt

from tuneyard.datasets.folds import Array, Rows, stratified_folds, time_series_fold

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

_FINGERPRINTED: dict[Split, str] = {"train": "train", "val": "validation", "test": "test"}
"""The name of each split in a fingerprint."""

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Dataset:
    """The raw arrays of one data set and the rows that belong to each split.

    Nothing here is scaled, windowed or fitted: a task's problem does that, and fits statistics on
    the train split only. The arrays are read-only, contiguous views, in the driver and in trials,
    which read them from Ray's object store without a copy.

    Args:
        name: the name of the data set, e.g. `diabetes`.
        arrays: the arrays by name, (rows, ...) each, all with the same number of rows and without
            Python objects.
        splits: the row numbers of each split, one-dimensional; stored as sorted int64. All three
            splits are given, no row is in two of them, and a split may be empty.
        classes: the names of the classes, `classes[label]` for each label; empty for series.
        stratify: the name of the array of class labels, (rows,) integers in [0, len(classes) - 1],
            by which folds are stratified; None means that the rows are in time order.
        source: where the content came from: `package`, `folder`, `cache` or `download`; several
            sources are joined, as in `folder+download`.

    Raises:
        ValueError: an argument breaks one of these rules.
    """

    name: str
    arrays: Mapping[str, Array]
    splits: Mapping[Split, Rows]
    classes: tuple[str, ...]
    stratify: str | None
    source: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", {k: _read_only(k, a) for k, a in self.arrays.items()})
        object.__setattr__(self, "splits", _sorted_rows(self.splits, _count_rows(self.arrays)))
        object.__setattr__(self, "classes", tuple(self.classes))
        if self.stratify is not None:
            _check_labels(self.stratify, self.arrays, self.classes)

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 (hex) of arrays, splits and classes; name and source are not included."""
        digest = hashlib.sha256()
        # the names are fixed: champions and resumed searches are compared by this fingerprint
        splits = {_FINGERPRINTED[split]: rows for split, rows in self.splits.items()}
        for content in (self.arrays, splits):
            for name, array in sorted(content.items()):
                # The header states how many bytes follow, so contents cannot be confused.
                digest.update(repr((name, array.dtype.descr, array.shape)).encode())
                digest.update(array.tobytes())
        digest.update(repr(self.classes).encode())
        return digest.hexdigest()

    def __getstate__(self) -> dict[str, object]:
        # Computed before the object leaves the driver, so that trials need not compute it.
        return {**self.__dict__, "fingerprint": self.fingerprint}

    def fold(self, index: int, folds: int) -> "Dataset":
        """The same data with other train and val splits: fold `index` of `folds`.

        With stratified folds, each row of train and val together is in the val split of exactly one
        fold. In time order, a fold trains on all rows before its validation window; the windows are
        in the later half, and rows after a window are in no split. The test split never changes.

        Args:
            index: the number of the fold, in [0, folds - 1].
            folds: the number of folds, at least 2 and at most the rows of the smallest class
                (stratified) or half the rows (time order).

        Raises:
            ValueError: `folds` or `index` is outside these bounds.
        """
        pool = self.pooled().splits["train"]
        if folds < 2:
            raise ValueError(f"folds must be at least 2, got {folds}")
        if not 0 <= index < folds:
            raise ValueError(f"index must be in [0, {folds - 1}] for {folds} folds, got {index}")
        if self.stratify is None:
            train, validation = time_series_fold(len(pool), index, folds)
            return self._with_splits(pool[train], pool[validation])
        labels = self.arrays[self.stratify][pool]
        fold_of = stratified_folds(labels, folds)
        return self._with_splits(pool[fold_of != index], pool[fold_of == index])

    def pooled(self) -> "Dataset":
        """The same data with train and val together as the train split, and an empty val split."""
        train = np.union1d(self.splits["train"], self.splits["val"])
        return self._with_splits(train, np.empty(0, dtype=np.int64))

    def _with_splits(self, train: Rows, validation: Rows) -> "Dataset":
        return replace(self, splits={**self.splits, "train": train, "val": validation})


def _read_only(name: str, array: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    if array.ndim == 0:
        raise ValueError(f"arrays[{name!r}] must have rows, got a single value")
    if array.dtype.hasobject:
        raise ValueError(f"arrays[{name!r}] must not hold Python objects, got {array.dtype}")
    # A view, so that the caller's own array stays writeable.
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _count_rows(arrays: Mapping[str, Array]) -> int:
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) != 1:
        raise ValueError(f"arrays must all have the same number of rows, got {counts}")
    return next(iter(counts.values()))


def _sorted_rows(splits: Mapping[Split, Rows], rows: int) -> dict[Split, Rows]:
    if set(splits) != set(SPLITS):
        raise ValueError(f"splits must be {', '.join(SPLITS)}, got {', '.join(splits) or 'none'}")
    for split, numbers in splits.items():
        if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
            shape = f"{numbers.dtype} of shape {numbers.shape}"
            raise ValueError(f"splits[{split!r}] must be integers in one dimension, got {shape}")
        outside = numbers[(numbers < 0) | (numbers >= rows)]
        if outside.size:
            raise ValueError(f"splits[{split!r}] must be in [0, {rows - 1}], got {outside[0]}")
    used, counts = np.unique(
        np.concatenate([splits[split] for split in SPLITS]), return_counts=True
    )
    if (counts > 1).any():
        raise ValueError(f"a row must be in one split only, got row {used[counts > 1][0]} twice")
    return {split: _read_only(split, np.sort(splits[split]).astype(np.int64)) for split in SPLITS}


def _check_labels(name: str, arrays: Mapping[str, Array], classes: tuple[str, ...]) -> None:
    if name not in arrays:
        raise ValueError(f"stratify must be one of {sorted(arrays)}, got {name!r}")
    labels = arrays[name]
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        shape = f"{labels.dtype} of shape {labels.shape}"
        raise ValueError(f"arrays[{name!r}] must be integers of shape (rows,), got {shape}")
    outside = np.setdiff1d(labels, np.arange(len(classes)))
    if outside.size:
        last = len(classes) - 1
        raise ValueError(f"arrays[{name!r}] must be in [0, {last}], got {outside[0]}")
