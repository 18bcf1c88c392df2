"""Addresses as they are shown."""

import pytest

from tuneyard.search.access import redacted
from tuneyard.search.errors import SearchError
from tuneyard.search.tracking.client import connect

SHOWN = {
    "sqlite:////tmp/mlflow.db": "sqlite:////tmp/mlflow.db",
    "a folder?": "a folder?",
    "http://127.0.0.1:5000/mlflow": "http://127.0.0.1:5000/mlflow",
    "http://[::1]:5000": "http://[::1]:5000",
    "http://ann@mlflow:5000": "http://ann@mlflow:5000",
    "postgresql://ann:p@s:s@db:5432/mlflow": "postgresql://ann:***@db:5432/mlflow",
    "postgresql://db/mlflow?user=ann&password=pass": "postgresql://db/mlflow",
    "s3://key:word@bucket/searches?region=x": "s3://key:***@bucket/searches",
}


@pytest.mark.parametrize(("address", "said"), SHOWN.items())
def test_an_address_is_shown_without_its_secrets(address: str, said: str) -> None:
    assert redacted(address) == said


def test_a_database_that_is_away_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mlflow.store.db.utils.MAX_RETRY_COUNT", 1)  # of ten, over 100 s
    with pytest.raises(SearchError) as refused:
        connect("postgresql://ann:her-password@127.0.0.1:1/mlflow")
    (line,) = str(refused.value).splitlines()
    assert line.startswith("MLflow does not answer at postgresql://ann:***@127.0.0.1:1/mlflow: ")
    assert "her-password" not in line
