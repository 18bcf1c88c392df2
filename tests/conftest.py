"""Fixtures of all tests."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data: TUNEYARD_DATA, else `shared/data` beside the checkout."""
    named = os.environ.get("TUNEYARD_DATA")
    folder = Path(named) if named else BESIDE
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder; name another with TUNEYARD_DATA")
    return folder


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """One Ray for all tests: two CPUs, and one GPU that is there for the scheduler alone."""
    ray.init(
        address="local",
        num_cpus=2,
        num_gpus=1,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()
