"""The folder of a Ray that is started here, and what its workers import."""

from __future__ import annotations

import fcntl
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuneyard.search.tune.local import MOST_BYTES, SOCKET_BYTES, job_config, ray_folder, sweep

SOCKET = "session_2026-11-27_17-43-35_041235_4194304/sockets/plasma_store"


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_TMPDIR", "TMPDIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as folder:
        yield Path(folder)


def made() -> Path:
    """The folder of a Ray, and it is removed again."""
    folder = Path(ray_folder())
    assert list(folder.iterdir()) == []
    assert len(str(folder / SOCKET)) <= SOCKET_BYTES
    folder.rmdir()
    return folder


@pytest.mark.parametrize("name", ["RAY_TMPDIR", "TMPDIR"])
def test_it_is_made_where_temporary_files_belong(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(place))
    assert made().parent == place


@pytest.mark.parametrize("length", [MOST_BYTES, MOST_BYTES + 1])
def test_sockets_get_no_longer_path_than_they_may(
    length: int, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = place / ("x" * (length - len(str(place)) - 1))
    long.mkdir()
    assert len(str(long)) == length
    monkeypatch.setenv("TMPDIR", str(long))
    assert made().parent == (long if length <= MOST_BYTES else Path("/tmp"))


def test_a_place_that_is_not_there_is_passed_over(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(place / "none"))
    assert made().parent == Path("/tmp")


def test_the_folder_of_a_killed_driver_is_removed_and_that_of_a_live_one_is_not(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(place))
    killed, live, unknown = (Path(ray_folder()) for _ in range(3))
    (killed / "driver.lock").touch()
    with (live / "driver.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sweep(place)
    assert sorted(place.iterdir()) == sorted([live, unknown])


@pytest.mark.parametrize(
    ("first", "here"), [("/usr/bin", False), ("", True), (None, True)], ids=["script", "-c", "-m"]
)
def test_workers_look_into_the_current_folder_only_where_this_process_does(
    first: str | None, here: bool, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    path = str(place) if first is None else first
    monkeypatch.setattr(sys, "path", [path, "/somewhere", str(place)])
    # Ray leaves the current folder out for the jobs of its client
    assert job_config()._client_job is not here
