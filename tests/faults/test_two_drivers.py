"""Two drivers on one search: one of them works on it, and the other says so in one line."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuneyard.search import SearchError, Settings
from tuneyard.search.api import resume, search
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.storage.folder import LostSearchError, SearchFolder
from tuneyard.search.storage.lock import DriverLock

SPEC = parse_spec(
    {
        "task": "linear-regression",
        "name": "mine",
        "trials": 12,
        "space": {"epochs": 100},
        "scheduler": "none",
        "sampler": "random",
    }
)


def outcome(call: Callable[[], Any], place: Path) -> None:
    """Runs a driver; leaves what became of it in a file."""
    try:
        call()
    except SearchError as error:
        (place / f"{os.getpid()}.refused").write_text(str(error))
    else:
        (place / f"{os.getpid()}.done").touch()


def resumed(settings: Settings, place: Path) -> None:
    outcome(lambda: resume("mine", settings), place)


def started(settings: Settings, place: Path) -> None:
    outcome(lambda: search(SPEC, settings), place)


def test_of_two_that_resume_at_once_one_is_refused(
    settings: Settings, forked: Callable[..., Any], found: Callable[..., Any], tmp_path: Path
) -> None:
    first = forked(started, settings, tmp_path)
    folder = Path(str(settings.storage)) / "mine"
    while len(list(folder.glob("ended/*.json"))) < 3:
        assert first.is_alive()
        time.sleep(0.02)
    first.kill()
    first.join()
    both = [forked(resumed, settings, tmp_path) for _ in range(2)]
    for one in both:
        one.join(180)
    assert len(list(tmp_path.glob("*.done"))) == 1
    (refused,) = tmp_path.glob("*.refused")
    (line,) = refused.read_text().splitlines()
    assert line.startswith("search 'mine' runs: its driver is process ")
    found("mine").check(12, "loss")


def test_a_driver_that_was_suspended_keeps_its_search(
    settings: Settings, forked: Callable[..., Any], found: Callable[..., Any], tmp_path: Path
) -> None:
    """On a machine whose file system knows locks, however long it sleeps."""
    first = forked(started, settings, tmp_path)
    folder = Path(str(settings.storage)) / "mine"
    while not list(folder.glob("ended/*.json")):
        assert first.is_alive()
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGSTOP)
    with pytest.raises(SearchError) as refused:
        resume("mine", settings)
    assert len(str(refused.value).splitlines()) == 1
    os.kill(first.pid, signal.SIGCONT)
    first.join(180)
    assert list(tmp_path.glob("*.done"))
    found("mine").check(12, "loss")


def test_who_lost_its_search_writes_no_more(object_store: str) -> None:
    """In an object store, which knows no locks: the one that was suspended wakes up."""
    place = SearchFolder(object_store, "mine")
    with DriverLock(place):
        place.write("one", "before")
        other = SearchFolder(object_store, "mine")
        with DriverLock(other):
            other.write("two", "by the other")
            with pytest.raises(LostSearchError, match="was taken over by the driver") as lost:
                place.write("one", "after")
    assert len(str(lost.value).splitlines()) == 1
    assert other.read("one") == "before"
