"""Tests of folds, which divide the train and val rows by class or in time order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneyard.datasets import Dataset

FOLDS = st.integers(2, 6)
COUNTS = st.lists(st.integers(6, 25), min_size=1, max_size=4)  # rows of each class


def series(rows: int) -> Dataset:
    """A series whose last four rows are the test split."""
    return Dataset(
        name="series",
        arrays={"value": np.arange(rows)},
        splits={
            "train": np.arange(rows // 2),
            "val": np.arange(rows // 2, rows - 4),
            "test": np.arange(rows - 4, rows),
        },
        classes=(),
        stratify=None,
        source="package",
    )


def classified(counts: list[int]) -> Dataset:
    """Shuffled rows of several classes; every fifth row is test, and the row after each is val."""
    random = np.random.default_rng(len(counts))
    label = random.permutation(np.repeat(np.arange(len(counts)), counts))
    rows = np.arange(len(label))
    return Dataset(
        name="classified",
        arrays={"label": label},
        splits={
            "train": rows[rows % 5 > 1],
            "val": rows[rows % 5 == 1],
            "test": rows[rows % 5 == 0],
        },
        classes=tuple(map(str, range(len(counts)))),
        stratify="label",
        source="package",
    )


def all_folds(dataset: Dataset, folds: int) -> list[Dataset]:
    return [dataset.fold(index, folds) for index in range(folds)]


def assert_each_row_is_held_out_once(dataset: Dataset, parted: list[Dataset]) -> None:
    pool = dataset.pooled().splits["train"]
    held_out = np.concatenate([fold.splits["val"] for fold in parted])
    assert np.array_equal(np.sort(held_out), pool)
    for fold in parted:
        assert np.array_equal(fold.pooled().splits["train"], pool)
        assert np.array_equal(fold.splits["test"], dataset.splits["test"])


@settings(deadline=None)
@given(counts=COUNTS, folds=FOLDS)
def test_classes_are_spread_evenly(counts: list[int], folds: int) -> None:
    dataset = classified(counts)
    label = dataset.arrays["label"]
    pool = np.bincount(label[dataset.pooled().splits["train"]], minlength=len(counts))
    if folds > pool.min():
        with pytest.raises(ValueError, match=f"at most {pool.min()}, the rows of the smallest"):
            dataset.fold(0, folds)
        return
    parted = all_folds(dataset, folds)
    assert_each_row_is_held_out_once(dataset, parted)
    for fold in parted:
        held_out = np.bincount(label[fold.splits["val"]], minlength=len(counts))
        assert (np.abs(held_out - pool / folds) < 1).all()


@settings(deadline=None)
@given(rows=st.integers(16, 60), folds=FOLDS)
def test_a_series_is_never_trained_on_later_rows(rows: int, folds: int) -> None:
    dataset = series(rows)
    parted = all_folds(dataset, folds)
    ends = []
    for fold in parted:
        train, window = fold.splits["train"], fold.splits["val"]
        assert np.array_equal(np.concatenate((train, window)), np.arange(window[-1] + 1))
        assert len(train) >= (rows - 4) // 2
        ends.append((int(window[0]), int(window[-1]) + 1))
        assert np.array_equal(fold.splits["test"], dataset.splits["test"])
    assert [start for start, _ in ends[1:]] == [end for _, end in ends[:-1]]
    assert ends[-1][1] == rows - 4


def test_folds_are_the_same_every_time_and_from_every_fold() -> None:
    dataset = classified([20, 30])
    assert dataset.fold(1, 4).fingerprint == dataset.fold(1, 4).fingerprint
    assert dataset.fold(0, 3).fold(1, 4).fingerprint == dataset.fold(1, 4).fingerprint


@pytest.mark.parametrize(
    ("index", "folds", "message"),
    [
        (0, 1, "folds must be at least 2, got 1"),
        (3, 3, r"index must be in \[0, 2\] for 3 folds, got 3"),
        (-1, 3, r"index must be in \[0, 2\] for 3 folds, got -1"),
        (0, 9, "folds must be at most 8, half the rows of train and validation, got 9"),
    ],
)
def test_an_impossible_fold_is_refused(index: int, folds: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        series(20).fold(index, folds)
