"""The environment of the tests of data sets, without a data folder of the user."""

import pytest


@pytest.fixture(autouse=True)
def _own_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.delenv("TUNEYARD_DATA", raising=False)
    monkeypatch.setenv("TUNEYARD_CACHE", str(tmp_path_factory.mktemp("cache")))
