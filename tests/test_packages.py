"""What is packaged, and how long a file may be."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("datasets", "search", "spaces", "trainables")
MAX_LINES = 350


def modules(top: str) -> dict[str, Path]:
    """The Python files of a folder by their paths."""
    return {str(path.relative_to(ROOT)): path for path in sorted((ROOT / top).rglob("*.py"))}


@pytest.mark.parametrize("top", PACKAGES)
def test_a_package_is_complete(top: str) -> None:
    assert (ROOT / top / "py.typed").is_file()
    assert (ROOT / "typings/tuneyard" / top).readlink() == Path("../..") / top
    folders = {path.parent for path in modules(top).values()}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_the_wheel_maps_every_folder() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert config["package-dir"] == {f"tuneyard.{top}": top for top in PACKAGES}
    folders = {path.parent.relative_to(ROOT) for top in PACKAGES for path in modules(top).values()}
    assert config["packages"] == sorted(".".join(["tuneyard", *path.parts]) for path in folders)


@pytest.mark.parametrize("top", [*PACKAGES, "tests"])
def test_files_stay_short(top: str) -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in modules(top).items()}
    assert {name: lines for name, lines in lengths.items() if lines >= MAX_LINES} == {}


@pytest.mark.parametrize("top", PACKAGES)
def test_any_has_a_reason_where_it_is_imported(top: str) -> None:
    without = [
        f"{name}: {line}"
        for name, path in modules(top).items()
        for line in path.read_text().splitlines()
        if re.match(r"\s*from typing import .*\bAny\b", line) and "#" not in line
    ]
    assert not without, "\n".join(without)
