"""Fixtures of all tests."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data: TUNEYARD_DATA, else `shared/data` beside the checkout."""
    named = os.environ.get("TUNEYARD_DATA")
    folder = Path(named) if named else BESIDE
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder; name another with TUNEYARD_DATA")
    return folder
