"""Tests of batches: every row once per epoch, and names of similar length together."""

from collections import Counter
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tuneyard.datasets import Dataset, Split
from tuneyard.spaces.tasks.diabetes import DiabetesSpace
from tuneyard.spaces.tasks.names_gru import NamesGruSpace
from tuneyard.trainables.problem import Batch, Problem
from tuneyard.trainables.task import find_task
from tuneyard.trainables.tasks.names_gru import NamesGruProblem
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")
SMALL = NamesGruSpace(embedding_size=16, hidden_size=16, num_layers=1)


class Numbered(Problem):
    """A problem whose rows hold their own numbers."""

    device = CPU
    loss = evaluate = export = None  # type: ignore[assignment]

    def __init__(self, count: int) -> None:
        self._count = count

    def build_tensors(self, split: Split) -> Batch:
        return {"row": torch.arange(self._count)}


Numbered.__abstractmethods__ = frozenset()


def rows_of(problem: Problem, batch_size: int | None, seed: int) -> list[list[int]]:
    order = torch.Generator().manual_seed(seed)
    return [batch["row"].tolist() for batch in problem.batches(batch_size, order)]


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(1, 64), st.integers(0, 99))
def test_every_row_comes_once_per_epoch(count: int, size: int, seed: int) -> None:
    batches = rows_of(Numbered(count), size, seed)
    assert sorted(chain.from_iterable(batches)) == list(range(count))
    sizes = [len(batch) for batch in batches]
    if count <= size:
        assert sizes == [count]
    else:
        *full, last = sizes
        assert set(full) <= {size}
        # a single remaining row joins the previous batch
        assert last in range(min(2, size), size + 2)


def test_epochs_differ_and_depend_on_the_generator() -> None:
    order = torch.Generator().manual_seed(1)
    problem = Numbered(100)
    first, second = ([b["row"].tolist() for b in problem.batches(10, order)] for _ in range(2))
    assert first != second
    assert first == rows_of(problem, 10, seed=1)


@pytest.mark.parametrize("size", [None, 50, 51])
def test_a_full_batch_is_not_shuffled(size: int | None) -> None:
    assert rows_of(Numbered(50), size, seed=0) == [list(range(50))]


def test_batch_norm_trains_with_a_single_remaining_row(datasets: Any) -> None:
    data: Dataset = datasets("diabetes")
    pool = data.pooled().splits["train"]
    splits: Any = {"train": pool[:65], "val": pool[65:95], "test": data.splits["test"]}
    data = Dataset(data.name, data.arrays, splits, data.classes, data.stratify, data.source)
    config = DiabetesSpace(batch_norm=True, batch_size=32)
    metrics = Training(find_task("diabetes"), config, [data], seed=0).run_epoch()
    assert np.isfinite(metrics["train_loss"])


@pytest.fixture(scope="module")
def names() -> Dataset:
    """4,000 names that start with the decimal digits of their row number."""
    count = 4000
    draw = np.random.default_rng(0)
    length = np.clip(draw.poisson(7, count), 4, 19)
    digits = (np.arange(count)[:, None] // 10 ** np.arange(4)) % 10 + ord("0")
    name = np.where(np.arange(19) < length[:, None], ord("x"), 0).astype(np.uint8)
    name[:, :4] = digits
    rows = np.arange(count)
    return Dataset(
        name="names",
        arrays={"name": name, "length": length, "label": draw.integers(0, 3, count)},
        splits={"train": rows[:3500], "val": rows[3500:3900], "test": rows[3900:]},
        classes=("a", "b", "c"),
        stratify="label",
        source="package",
    )


def numbers(letters: Tensor) -> list[int]:
    return ((letters[:, :4] - ord("0")) * 10 ** torch.arange(4)).sum(1).tolist()


def epoch(names: Dataset, size: int | None, seed: int = 0) -> list[Batch]:
    order = torch.Generator().manual_seed(seed)
    return list(NamesGruProblem(SMALL, names, CPU).batches(size, order))


@pytest.mark.parametrize("size", [32, 100, 512, None])
def test_every_name_comes_once_per_epoch_with_its_own_length_and_label(
    size: int | None, names: Dataset
) -> None:
    seen: Counter[int] = Counter()
    for batch in epoch(names, size):
        rows = numbers(batch["letters"])
        seen.update(rows)
        assert len(rows) <= (size or 3500)
        assert batch["length"].tolist() == names.arrays["length"][rows].tolist()
        assert batch["label"].tolist() == names.arrays["label"][rows].tolist()
        there = (batch["letters"] > 0).sum(1)
        assert torch.equal(there, batch["length"])
    assert seen == Counter(range(3500))


def test_a_batch_is_longest_first_and_cropped_to_the_longest(names: Dataset) -> None:
    for batch in epoch(names, 64):
        lengths = batch["length"].tolist()
        assert lengths == sorted(lengths, reverse=True)
        assert batch["letters"].shape == (len(lengths), lengths[0])


def test_batches_of_names_have_little_padding(names: Dataset) -> None:
    """Few of the letters are padding; with batches in random order, many would be."""
    batches = epoch(names, 64)
    read = sum(batch["letters"].numel() for batch in batches)
    there = sum(int(batch["length"].sum()) for batch in batches)
    lengths = torch.tensor(names.arrays["length"][:3500])
    shuffled = lengths[torch.randperm(3500, generator=torch.Generator().manual_seed(0))]
    plain = sum(len(chunk) * int(chunk.max()) for chunk in shuffled.split(64))
    assert read < 1.1 * there
    assert plain > 1.6 * there


def test_no_two_epochs_have_the_same_batches_of_names(names: Dataset) -> None:
    def batches(seed: int) -> set[frozenset[int]]:
        return {frozenset(numbers(batch["letters"])) for batch in epoch(names, 64, seed)}

    assert batches(0) == batches(0)
    assert not batches(0) & batches(1)


def test_an_epoch_does_not_start_with_long_names(names: Dataset) -> None:
    lengths = [int(batch["length"][0]) for batch in epoch(names, 256)]  # one bucket
    assert len(lengths) == 14
    assert lengths != sorted(lengths, reverse=True)


def test_each_split_of_names_is_longest_first(names: Dataset) -> None:
    problem = NamesGruProblem(SMALL, names, CPU)
    for split in ("train", "val", "test"):
        tensors = problem.tensors(split)
        lengths = tensors["length"].tolist()
        assert lengths == sorted(lengths, reverse=True)
        assert tensors["letters"].shape == (len(lengths), lengths[0])
        assert sorted(numbers(tensors["letters"])) == names.splits[split].tolist()
