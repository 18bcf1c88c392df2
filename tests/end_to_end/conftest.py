"""One Ray for all whole searches, and an empty MLflow store for each."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from tuneyard.search import Settings
from tuneyard.search.mlflow_client import connect


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """Two CPUs, and one GPU that is there for the scheduler alone."""
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


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs: making one takes MLflow seconds."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    connect(f"sqlite:///{path}").search_experiments(max_results=1)
    return path


@pytest.fixture
def settings(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A folder of the test's own, which is the working folder too."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return Settings(
        storage=tmp_path / "searches", tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}"
    )
