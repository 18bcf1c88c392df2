"""Searches that tuneyard 0.1.0 recorded, before its packages: listed, shown and resumed.

The archive holds a folder of searches and an MLflow store: a search that completed, one whose
driver was killed during its fourth trial of five, and one that waits in the queue.
"""

from __future__ import annotations

import sqlite3
import tarfile
import time
from pathlib import Path

import pytest

from tuneyard.search import SearchError, Settings
from tuneyard.search.api import resume
from tuneyard.search.models.champions import find_result
from tuneyard.search.tracking.client import connect
from tuneyard.search.tracking.heartbeat import Pulse
from tuneyard.search.tracking.queries import MlflowSearches
from tuneyard.search.tracking.state import shown_state
from tuneyard.search.tracking.status import search_status

pytestmark = pytest.mark.usefixtures("local_ray")

NOW = time.time()
ARCHIVE = Path(__file__).with_name("searches-of-0.1.0.tar.xz")
PATHS = {
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}
"""The table and the column of every path in the MLflow store."""


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The searches, unpacked where the test may change them."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    store = sqlite3.connect(tmp_path / "mlflow.db")
    with store:
        for table, column in PATHS.items():
            moved = f"UPDATE {table} SET {column} = replace({column}, '/legacy-root', ?)"
            store.execute(moved, (str(tmp_path),))
    store.close()
    monkeypatch.chdir(tmp_path)
    return Settings(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_they_are_listed(recorded: Settings) -> None:
    searches = MlflowSearches(recorded.tracking_uri)
    listed = {
        one.search: one
        for one in (
            search_status(run, "", shown_state(run, Pulse(), (), NOW), NOW)
            for run in searches.all()
        )
    }
    done, cut, queued = (listed[f"legacy-{name}"] for name in ("done", "cut", "queued"))
    assert [one.state for one in (done, cut, queued)] == ["completed", "interrupted", "interrupted"]
    assert (done.budget, done.trials["completed"], done.trials["pruned"]) == (4, 3, 1)
    assert (done.baseline, done.best) == (140.34152221679688, 8.003020286560059)
    assert (cut.budget, cut.trials["completed"], cut.best) == (5, 3, 7.262444972991943)
    assert (queued.user, queued.trials["total"], queued.best) == ("ann", 0, None)
    trials = {one.number: one for one in searches.trials(searches.run("legacy-done")).trials}
    assert sorted(trials) == [0, 1, 2, 3]
    assert trials[1].params["transform"] == "seasonal_log_diff"


def test_they_are_shown_by_best(recorded: Settings) -> None:
    client = connect(recorded.tracking_uri)
    done = find_result(client, "legacy-done")
    assert done == find_result(client, "airplane-lstm"), "its model is the champion"
    assert (done.state, done.trials["total"], done.wall_s) == ("completed", 4, 18.411)
    assert done.best is not None
    assert (done.best.value, done.best.epoch) == (8.003020286560059, 20)
    assert done.best.config["optimizer.adamw.lr"] == 0.0015119336467641006
    assert done.best.test["test_rmse"] == 25.732280731201172
    cut = find_result(client, "legacy-cut")
    assert cut.best is not None
    assert (cut.state, cut.best.value, cut.best.epoch) == ("interrupted", 7.262444972991943, 413)
    with pytest.raises(SearchError, match="has not started yet: it waits in the queue"):
        find_result(client, "legacy-queued")


def test_a_search_that_was_cut_is_resumed(recorded: Settings) -> None:
    """The fourth trial continues from epoch 824, the epoch of its checkpoint."""
    client = connect(recorded.tracking_uri)
    before = find_result(client, "legacy-cut")
    result = resume("legacy-cut", recorded)
    assert (result.state, result.trials["completed"]) == ("completed", 5)
    assert result.baseline == before.baseline
    assert result.best is not None
    assert before.best is not None
    assert result.best.value == before.best.value
    searches = MlflowSearches(recorded.tracking_uri)
    trials = {one.number: one for one in searches.trials(searches.run("legacy-cut")).trials}
    assert [trials[number].state for number in range(5)] == ["completed"] * 5
    fourth = client.get_metric_history(trials[3].mlflow_run_id, "train_loss")
    steps = [point.step for point in fourth]
    assert len(set(steps)) == len(steps)
    assert max(steps) == 2500
    assert find_result(client, "airplane-lstm").search == "legacy-cut"


def test_a_search_that_waited_is_started_and_one_that_is_done_is_not(recorded: Settings) -> None:
    assert resume("legacy-queued", recorded).trials["completed"] == 2
    with pytest.raises(SearchError, match="has run its 4 trials; give it more with --trials"):
        resume("legacy-done", recorded)
