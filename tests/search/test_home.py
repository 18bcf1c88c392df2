"""A process without a home folder: Ray and MLflow could not be imported."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from tuneyard.search.home import ensure_home


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_home_that_is_there_stays(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(places))
    ensure_home()
    assert os.environ["HOME"] == str(places)
    assert list(places.iterdir()) == []


def test_in_place_of_one_that_is_not_there_is_one_that_is_closed_to_others(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(places / "nowhere"))
    ensure_home()
    assert Path.home().parent == places
    assert stat.S_IMODE(Path.home().stat().st_mode) == 0o700
    first = Path.home()
    monkeypatch.setenv("HOME", str(places / "nowhere"))
    ensure_home()
    assert Path.home() == first
