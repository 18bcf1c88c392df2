"""A storage that fills up in mid-search, or vanishes: one line, and the search goes on later."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tuneyard.search import SearchError, Settings
from tuneyard.search.api import resume, search
from tuneyard.search.spec.files import parse_spec

WHOLE = os.environ.get("TUNEYARD_FAULTS") == "whole"
BYTES = 20 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 20 MB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={BYTES}", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small file system")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.parametrize("free", [0, 40_000, 200_000] if WHOLE else [40_000])
def test_a_full_disk_is_one_line_and_room_lets_it_go_on(
    settings: Settings,
    small_disk: Path,
    found: Callable[..., Any],
    place: Any,
    injected: Callable[..., None],
    free: int,
) -> None:
    settings = settings.model_copy(update={"storage": small_disk})
    filler = small_disk / "filler"
    statistics = os.statvfs(small_disk)
    filler.write_bytes(bytes(statistics.f_bavail * statistics.f_frsize - free))
    values = {"task": "linear-regression", "name": "mine", "trials": 30, "space": {"epochs": 20}}
    with pytest.raises(SearchError) as full:
        search(parse_spec(values), settings)
    (line,) = str(full.value).splitlines()
    assert "No space left on device" in line
    injected("disks of 20 MB filled")
    filler.unlink()
    folder = small_disk / "mine"
    # what could not be made is started, what was made goes on
    if (folder / "search.json").exists():
        assert f"go on with: tuneyard resume mine --storage {small_disk}" in line
        result = resume("mine", settings)
    else:
        result = search(parse_spec(values), settings)
    assert (result.state, result.trials["total"]) == ("completed", 30)
    (place.path / "tuneyard-searches").mkdir(exist_ok=True)
    place.folder("mine").symlink_to(folder)
    found("mine").check(30, "loss")


def test_a_folder_that_has_vanished_is_one_line(settings: Settings, tmp_path: Path) -> None:
    values = {"task": "linear-regression", "name": "mine", "trials": 2, "space": {"epochs": 2}}
    search(parse_spec(values), settings)
    (tmp_path / "tuneyard-searches").rename(tmp_path / "elsewhere")
    with pytest.raises(SearchError, match="the folder of search 'mine' is not in") as gone:
        resume("mine", settings)
    assert len(str(gone.value).splitlines()) == 1
