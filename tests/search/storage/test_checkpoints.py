"""The best checkpoints: whatever the order in which trials end, exactly the k best are left."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneyard.search.storage.checkpoints import BestCheckpoints
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.trials.record import FAILURES, State, TrialRecord
from tuneyard.spaces.objective import Objective

Mode = Literal["min", "max"]


class End(NamedTuple):
    """How a trial ended."""

    state: State
    value: float | None
    saved: bool

    @property
    def eligible(self) -> bool:
        return self.value is not None and self.saved and self.state not in FAILURES


class Store:
    """Holds copies, as MLflow does; a late one does nothing before it is told to."""

    def __init__(self, late: bool = False) -> None:
        self.held: dict[int, list[str]] = {}
        self.calls: list[tuple[str, int]] = []
        self._late = late
        self._asked: list[Callable[[], None]] = []

    def upload(self, key: int, folder: SearchFolder, name: str, artifact_path: str) -> None:
        assert artifact_path == "checkpoint"
        self.calls.append(("upload", key))

        def act() -> None:
            with folder.fetched(name) as files:
                self.held[key] = sorted(path.name for path in files.iterdir())

        self._ask(act)

    def remove(self, key: int, artifact_path: str, then: Callable[[], None]) -> None:
        assert artifact_path == "checkpoint"
        self.calls.append(("remove", key))

        def act() -> None:
            self.held.pop(key, None)  # nothing there is no matter
            then()

        self._ask(act)

    def _ask(self, act: Callable[[], None]) -> None:
        self._asked.append(act)
        if not self._late:
            self.work()

    def work(self) -> None:
        """Does what it was asked."""
        while self._asked:
            self._asked.pop(0)()


def end(best: BestCheckpoints, store: Store) -> None:
    """As a search ends."""
    best.search_ended()
    store.work()
    best.sweep()


def ending(state: State) -> st.SearchStrategy[End]:
    """Ends of one kind; what a failed trial has saved is there to go on from, and not eligible."""
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


def on_disk(folder: SearchFolder) -> set[int]:
    return {int(name) for name in folder.kept_trials()}


def trial(folder: SearchFolder, number: int, end: End) -> TrialRecord:
    """A trial that ended, with a folder of its own as Tune makes it."""
    record = TrialRecord(number, {}, state=end.state, value=end.value)
    name = f"checkpoints/{number:05d}"
    Path(folder.path, name).mkdir(parents=True)
    if end.saved:
        name += "/checkpoint_000000"
        Path(folder.path, name).mkdir()
        Path(folder.path, name, "model.pt").write_text(str(number))
        record.checkpoint = name if end.eligible else None
    return record


def play(
    folder: SearchFolder,
    ends: Sequence[End],
    order: Sequence[int],
    mode: Mode,
    keep: int,
    at_end: bool,
    late: bool = False,
) -> tuple[BestCheckpoints, Store]:
    """Lets trials end in some order."""
    store = Store(late)
    best = BestCheckpoints(Objective("val_loss", mode), keep, folder, store, at_end=at_end)
    for number in order:
        record = trial(folder, number, ends[number])
        best.started(record)
        best.progressed(record, {})
        best.ended(record)
        if at_end:
            assert on_disk(folder) == set(order[: order.index(number) + 1])
        elif not late:
            assert on_disk(folder) == set(store.held)
            assert len(store.held) <= keep
    assert max(Counter(store.calls).values(), default=1) == 1
    return best, store


def expected(ends: Sequence[End], mode: Mode, keep: int) -> set[int]:
    """The k best eligible trials; the earlier one of two alike."""
    sign = 1 if mode == "min" else -1
    ranked = sorted(
        (sign * end.value, number)
        for number, end in enumerate(ends)
        if end.eligible and end.value is not None
    )
    return {number for _, number in ranked[:keep]}


@settings(max_examples=80, deadline=None)
@given(
    st.data(),
    ENDS,
    st.sampled_from(["min", "max"]),
    st.integers(1, 4),
    st.booleans(),
    st.booleans(),
)
def test_exactly_the_best_are_left(
    data: st.DataObject, ends: list[End], mode: Mode, keep: int, at_end: bool, late: bool
) -> None:
    order = data.draw(st.permutations(range(len(ends))))
    with TemporaryDirectory() as name:
        folder = SearchFolder(name, "search")
        best, store = play(folder, ends, order, mode, keep, at_end, late)
        end(best, store)
        wanted = expected(ends, mode, keep)
        assert set(store.held) == wanted
        assert on_disk(folder) == wanted
        for number in wanted:
            saved = f"checkpoints/{number:05d}/checkpoint_000000/model.pt"
            assert folder.read(saved) == str(number)
            assert store.held[number] == ["model.pt"]


@settings(max_examples=60, deadline=None)
@given(st.data(), ENDS, st.sampled_from(["min", "max"]), st.integers(1, 4), st.booleans())
def test_a_resumed_search_keeps_the_same(
    data: st.DataObject, ends: list[End], mode: Mode, keep: int, at_end: bool
) -> None:
    """Wherever the search was cut, and whatever of the first run had reached MLflow by then."""
    order = data.draw(st.permutations(range(len(ends))))
    cut = data.draw(st.integers(0, len(ends)))
    with TemporaryDirectory() as name:
        folder = SearchFolder(name, "search")
        objective = Objective("val_loss", mode)
        _, store = play(folder, ends, order[:cut], mode, keep, at_end)
        best = BestCheckpoints(objective, keep, folder, store, at_end=at_end)
        for number in sorted(order[:cut]):
            before = ends[number]
            record = TrialRecord(number, {}, state=before.state, value=before.value)
            # the mirror still knows of those that are deleted
            record.checkpoint = f"checkpoints/{number:05d}/checkpoint_000000"
            record.checkpoint = record.checkpoint if before.eligible else None
            best.restored(record)
        for number in order[cut:]:
            best.ended(trial(folder, number, ends[number]))
        end(best, store)
        assert on_disk(folder) == set(store.held) == expected(ends, mode, keep)


def done(*values: float) -> list[End]:
    return [End("completed", value, True) for value in values]


@pytest.fixture
def folder(tmp_path: Path) -> SearchFolder:
    return SearchFolder(tmp_path, "search")


def test_what_is_beaten_goes_at_once(folder: SearchFolder) -> None:
    _, store = play(folder, done(3, 2, 1, 4), range(4), "min", 1, at_end=False)
    assert store.calls == [
        ("upload", 0),
        ("upload", 1),
        ("remove", 0),
        ("upload", 2),
        ("remove", 1),
    ]
    assert on_disk(folder) == {2}


def test_what_may_still_be_copied_stays_until_the_end(folder: SearchFolder) -> None:
    best, store = play(folder, done(3, 2, 1, 4), range(4), "min", 1, at_end=True)
    assert on_disk(folder) == {0, 1, 2, 3}
    end(best, store)
    assert on_disk(folder) == set(store.held) == {2}


@pytest.mark.parametrize("at_end", [False, True])
def test_alike_keeps_the_earlier(folder: SearchFolder, at_end: bool) -> None:
    best, store = play(folder, done(1, 1, 1), [2, 0, 1], "max", 2, at_end)
    end(best, store)
    assert set(store.held) == {0, 1}


def test_a_folder_that_was_never_made_is_no_matter(folder: SearchFolder) -> None:
    store: Any = Store()
    best = BestCheckpoints(Objective("val_loss", "min"), 1, folder, store, at_end=False)
    best.ended(TrialRecord(0, {}, state="failed"))
    end(best, store)
    assert store.calls == []
