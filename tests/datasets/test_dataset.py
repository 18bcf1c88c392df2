"""Tests of the rules for data sets, and of the fingerprint of their content."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneyard.datasets import Dataset, Split

EMPTY = np.empty(0, dtype=np.int64)


def training_on(*rows: object) -> dict[str, object]:
    """The arguments that change the train split of the data set below to these rows."""
    return {"splits": {"train": np.array(rows), "val": EMPTY, "test": np.arange(9, 12)}}


def labelled() -> Dataset:
    """Twelve rows of two classes: 6 for train, 3 for val, 3 for test."""
    return Dataset(
        name="toy",
        arrays={"x": np.arange(24, dtype=np.float32).reshape(12, 2), "y": np.arange(12) % 2},
        splits={"train": np.arange(6), "val": np.arange(6, 9), "test": np.arange(9, 12)},
        classes=("even", "odd"),
        stratify="y",
        source="package",
    )


def test_the_splits_become_sorted_int64() -> None:
    splits: dict[Split, np.ndarray] = {
        "train": np.array([4, 0, 2], dtype=np.int32),
        "val": np.array([]),
        "test": np.array([1], dtype=np.uint8),
    }
    kept = replace(labelled(), splits=splits).splits
    assert [rows.dtype for rows in kept.values()] == [np.int64] * 3
    assert [rows.tolist() for rows in kept.values()] == [[0, 2, 4], [], [1]]


def test_nothing_can_be_written_into_it_and_the_callers_array_stays_writeable() -> None:
    mine = np.zeros((12, 2))
    dataset = replace(labelled(), arrays={"x": mine, "y": np.arange(12) % 2})
    for array in (*dataset.arrays.values(), *dataset.splits.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    mine[0] = 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arrays": {}}, "same number of rows, got {}"),
        ({"arrays": {"x": np.zeros(3), "y": np.zeros(2)}}, "rows, got {'x': 3, 'y': 2}"),
        ({"arrays": {"x": np.array(3)}}, "arrays['x'] must have rows, got a single value"),
        ({"arrays": {"x": np.array([None])}}, "must not hold Python objects, got object"),
        ({"splits": {"train": EMPTY}}, "splits must be train, val, test, got train"),
        (training_on(12), "splits['train'] must be in [0, 11], got 12"),
        (training_on(-1), "splits['train'] must be in [0, 11], got -1"),
        (training_on(0.5), "integers in one dimension, got float64"),
        (training_on([1]), "got int64 of shape (1, 1)"),
        (training_on(1, 1), "in one split only, got row 1 twice"),
        (training_on(10), "in one split only, got row 10 twice"),
        ({"stratify": "z"}, "stratify must be one of ['x', 'y'], got 'z'"),
        ({"stratify": "x"}, "integers of shape (rows,), got float32 of shape (12, 2)"),
        ({"classes": ("even",)}, "arrays['y'] must be in [0, 0], got 1"),
    ],
)
def test_a_violated_rule_is_named_with_its_value(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is compared below
        replace(labelled(), **change)  # type: ignore[arg-type]
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_fingerprint_depends_on_content_only() -> None:
    dataset = labelled()
    x = np.asfortranarray(dataset.arrays["x"])
    again = Dataset(
        name="another name",
        arrays={"y": dataset.arrays["y"].copy(), "x": x},
        splits={
            "test": np.array([11, 10, 9], dtype=np.int16),
            "val": np.arange(6, 9),
            "train": np.arange(6),
        },
        classes=("even", "odd"),
        stratify=None,
        source="download",
    )
    assert again.fingerprint == dataset.fingerprint
    assert len(dataset.fingerprint) == 64


@settings(deadline=None)
@given(row=st.integers(0, 11), column=st.integers(0, 1), value=st.floats(width=32))
def test_one_changed_value_changes_the_fingerprint(row: int, column: int, value: float) -> None:
    dataset = labelled()
    x = dataset.arrays["x"].copy()
    x[row, column] = value
    changed = replace(dataset, arrays={**dataset.arrays, "x": x})
    same = x.tobytes() == dataset.arrays["x"].tobytes()
    assert (changed.fingerprint == dataset.fingerprint) is same


def test_all_other_content_changes_the_fingerprint() -> None:
    dataset = labelled()
    x, y = dataset.arrays["x"], dataset.arrays["y"]
    changed = [
        dataset,
        dataset.pooled(),
        dataset.fold(0, 3),
        dataset.fold(1, 3),
        replace(dataset, classes=("odd", "even")),
        replace(dataset, arrays={"z": x, "y": y}),
        replace(dataset, arrays={"x": x.astype(np.float64), "y": y}),
        replace(dataset, arrays={"x": x.view(np.int32), "y": y}),
        replace(dataset, arrays={"x": x.reshape(12, 1, 2), "y": y}),
        replace(dataset, arrays={"y": y}),
    ]
    assert len({each.fingerprint for each in changed}) == len(changed)


def test_it_pickles_with_its_fingerprint_and_without_a_copy() -> None:
    dataset = labelled()
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(dataset, protocol=5, buffer_callback=buffers.append)
    assert len(buffers) == len(dataset.arrays) + len(dataset.splits)
    again: Dataset = pickle.loads(data, buffers=buffers)
    assert np.shares_memory(again.arrays["x"], dataset.arrays["x"])
    assert "fingerprint" in vars(again), "a trial would hash it again"
    assert again.fingerprint == dataset.fingerprint
    assert again.fold(0, 2).fingerprint == dataset.fold(0, 2).fingerprint


def test_pooled_is_everything_but_test() -> None:
    pooled = labelled().pooled()
    assert pooled.splits["train"].tolist() == list(range(9))
    assert pooled.splits["val"].tolist() == []
    assert pooled.splits["test"].tolist() == [9, 10, 11]
    assert pooled.pooled().fingerprint == pooled.fingerprint


def test_the_package_imports_without_the_loader_libraries() -> None:
    heavy = {"sklearn", "pooch", "requests", "anyascii", "pandas", "torch", "ray"}
    program = f"import sys, tuneyard.datasets; print({heavy!r} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"
