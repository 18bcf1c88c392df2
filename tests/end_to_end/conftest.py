"""An empty MLflow store for each search, and settings that name it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tuneyard.search import Settings
from tuneyard.search.mlflow_client import connect


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
