"""docs/architecture.md and its drawing are what the packages are."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = sorted(
    str(path.parent.relative_to(ROOT))
    for folder in ("datasets", "search", "spaces", "trainables")
    for path in (ROOT / folder).rglob("__init__.py")
)


def test_the_drawing_is_as_the_packages_are() -> None:
    done = subprocess.run(
        [sys.executable, "docs/architecture.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (ROOT / "docs" / "architecture.svg").read_text(), "run make docs"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_page_says_what_every_package_is_for(package: str) -> None:
    assert f"`{package}`" in (ROOT / "docs" / "architecture.md").read_text()
