"""The best checkpoints: whatever the order in which trials end, exactly the k best are left."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneyard.search.checkpoints import BestCheckpoints
from tuneyard.search.trials import FAILURES, State, TrialRecord
from tuneyard.trainables.task import Objective

Mode = Literal["min", "max"]


class End(NamedTuple):
    """How a trial ended."""

    state: State
    value: float | None
    saved: bool

    @property
    def candidate(self) -> bool:
        return self.value is not None and self.saved and self.state not in FAILURES


class Store:
    """Holds copies, as MLflow does."""

    def __init__(self) -> None:
        self.held: dict[int, list[str]] = {}
        self.calls: list[tuple[str, int]] = []

    def upload(self, key: int, folder: Path, artifact_path: str) -> None:
        assert artifact_path == "checkpoint"
        assert key not in self.held
        self.calls.append(("upload", key))
        self.held[key] = sorted(path.name for path in folder.iterdir())

    def remove(self, key: int, folder: Path, artifact_path: str) -> None:
        assert artifact_path == "checkpoint"
        self.calls.append(("remove", key))
        del self.held[key]
        shutil.rmtree(folder)


def ending(state: State) -> st.SearchStrategy[End]:
    """Ends of one kind; what a failed trial has saved is there to go on from, no candidate."""
    values = st.integers(-3, 3).map(float) | st.floats(-1e9, 1e9)
    if state in ("completed", "early_stopped"):
        return st.builds(End, st.just(state), values, st.just(True))
    return st.builds(End, st.just(state), st.none() | values, st.booleans())


ENDS = st.lists(
    st.sampled_from(
        ["completed", "early_stopped", "pruned", "diverged", "out_of_memory", "failed"]
    ).flatmap(ending),
    max_size=12,
)


def on_disk(folder: Path) -> set[int]:
    return {int(path.name) for path in folder.iterdir()}


def play(
    folder: Path, ends: Sequence[End], order: Sequence[int], mode: Mode, keep: int, at_end: bool
) -> tuple[BestCheckpoints, Store]:
    """Lets trials end in some order, each with a folder of its own as Tune makes it."""
    store = Store()
    best = BestCheckpoints(Objective("val_loss", mode), keep, folder, store, at_end=at_end)
    for number in order:
        end = ends[number]
        record = TrialRecord(number, {}, state=end.state, value=end.value)
        mine = folder / f"{number:05d}"
        mine.mkdir()
        if end.saved:
            saved = mine / "checkpoint_000000"
            saved.mkdir()
            (saved / "model.pt").write_text(str(number))
            record.checkpoint = saved if end.candidate else None
        best.started(record)
        best.progressed(record, {})
        best.ended(record)
        if at_end:
            assert on_disk(folder) == set(order[: order.index(number) + 1])
        else:
            assert on_disk(folder) == set(store.held)
            assert len(store.held) <= keep
    return best, store


def expected(ends: Sequence[End], mode: Mode, keep: int) -> set[int]:
    """The k best candidates; the earlier one of two alike."""
    sign = 1 if mode == "min" else -1
    ranked = sorted(
        (sign * end.value, number)
        for number, end in enumerate(ends)
        if end.candidate and end.value is not None
    )
    return {number for _, number in ranked[:keep]}


@settings(max_examples=80, deadline=None)
@given(st.data(), ENDS, st.sampled_from(["min", "max"]), st.integers(1, 4), st.booleans())
def test_exactly_the_best_are_left(
    data: st.DataObject, ends: list[End], mode: Mode, keep: int, at_end: bool
) -> None:
    order = data.draw(st.permutations(range(len(ends))))
    with TemporaryDirectory() as name:
        folder = Path(name)
        best, store = play(folder, ends, order, mode, keep, at_end)
        best.close()
        wanted = expected(ends, mode, keep)
        assert set(store.held) == wanted
        assert on_disk(folder) == wanted
        for number in wanted:
            assert (folder / f"{number:05d}/checkpoint_000000/model.pt").read_text() == str(number)
            assert store.held[number] == ["model.pt"]


def done(*values: float) -> list[End]:
    return [End("completed", value, True) for value in values]


def test_what_is_beaten_goes_at_once(tmp_path: Path) -> None:
    _, store = play(tmp_path, done(3, 2, 1, 4), range(4), "min", 1, at_end=False)
    assert store.calls == [
        ("upload", 0),
        ("upload", 1),
        ("remove", 0),
        ("upload", 2),
        ("remove", 1),
    ]
    assert on_disk(tmp_path) == {2}


def test_what_may_still_be_copied_stays_until_the_end(tmp_path: Path) -> None:
    best, store = play(tmp_path, done(3, 2, 1, 4), range(4), "min", 1, at_end=True)
    assert on_disk(tmp_path) == {0, 1, 2, 3}
    best.close()
    assert on_disk(tmp_path) == set(store.held) == {2}


@pytest.mark.parametrize("at_end", [False, True])
def test_alike_keeps_the_earlier(tmp_path: Path, at_end: bool) -> None:
    best, store = play(tmp_path, done(1, 1, 1), [2, 0, 1], "max", 2, at_end)
    best.close()
    assert set(store.held) == {0, 1}


def test_a_folder_that_was_never_made_is_no_matter(tmp_path: Path) -> None:
    store: Any = Store()
    best = BestCheckpoints(Objective("val_loss", "min"), 1, tmp_path, store, at_end=False)
    best.ended(TrialRecord(0, {}, state="failed"))
    best.close()
    assert store.calls == []
