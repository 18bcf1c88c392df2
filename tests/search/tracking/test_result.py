"""A search's result read back from a real MLflow alone."""

import json
from typing import Any

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from tuneyard.search.cli.main import app
from tuneyard.search.errors import SearchError
from tuneyard.search.models.champions import CHAMPION, find_result
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.tracking import runs as mlflow_runs
from tuneyard.search.tracking.runs import queue_search
from tuneyard.search.trials.record import Params
from tuneyard.spaces.registry import descriptions, find_description

SPACE = find_description("diabetes").space.space()
BASELINE: Params = SPACE.flatten(SPACE.baseline())
BETTER: Params = BASELINE | {
    "optimizer.sgd.lr": 0.25,
    "batch_norm": True,
    "batch_size.on": True,
    "batch_size": 64,
}


def refusal(client: MlflowClient, name: str) -> str:
    with pytest.raises(SearchError) as refused:
        find_result(client, name)
    (line,) = str(refused.value).splitlines()
    return line


@pytest.fixture
def search(record_search: Any) -> Any:
    """Five trials that ended: the second is the best whose weights are kept."""
    search = record_search()
    for number, (params, losses, state, saved) in enumerate(
        [
            (BASELINE, [0.9, 0.8], "completed", True),
            (BETTER, [0.7, 0.4, 0.6], "early_stopped", True),
            (BETTER, [0.3], "pruned", False),
            (BETTER, [0.1], "diverged", False),
            (BETTER, [0.4], "completed", True),
        ]
    ):
        record = search.start(number, params)
        search.train(record, losses)
        search.end(record, state, saved)
    search.flush()
    return search


def test_a_search_by_its_name(store: MlflowClient, search: Any) -> None:
    found = find_result(store, "my-search")
    assert found.state == "running"
    assert found.trials == {
        "total": 5,
        "completed": 2,
        "early_stopped": 1,
        "pruned": 1,
        "diverged": 1,
        "out_of_memory": 0,
        "failed": 0,
    }
    assert (found.baseline.value, found.baseline.config) == (0.8, BASELINE)
    assert found.best is not None
    assert (found.best.value, found.best.epoch, found.best.config) == (0.4, 2, BETTER)
    types = {path: type(value) for path, value in BETTER.items()}
    assert {path: type(value) for path, value in found.best.config.items()} == types
    assert found.best.mlflow_run_id == search.trial(1).info.run_id
    assert found.best.test == {}
    assert found.mlflow.run_id == search.run.run_id
    assert found.mlflow.tracking_uri == store.tracking_uri
    assert found.improvement == pytest.approx(-50)
    assert 0 < found.wall_s < 300


def test_an_ended_search(store: MlflowClient, search: Any) -> None:
    run_id = search.trial(1).info.run_id
    store.log_metric(run_id, "test_accuracy", 0.75)
    store.set_tag(search.run.run_id, "tuneyard.state", "completed")
    store.set_terminated(search.run.run_id)
    first, second = find_result(store, "my-search"), find_result(store, "my-search")
    assert first == second
    assert first.state == "completed"
    assert first.best is not None
    assert first.best.test == {"test_accuracy": 0.75}


def test_the_time_between_two_runs_does_not_count(store: MlflowClient, search: Any) -> None:
    store.set_tag(search.run.run_id, "tuneyard.wall", 12.5)
    store.set_terminated(search.run.run_id, end_time=int(4e12))
    assert find_result(store, "my-search").wall_s == 12.5


def test_more_trials_than_a_page(
    store: MlflowClient, search: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = find_result(store, "my-search")
    monkeypatch.setattr(mlflow_runs, "PAGE", 2)
    paged = find_result(store, "my-search")
    assert paged.model_copy(update={"wall_s": 0}) == whole.model_copy(update={"wall_s": 0})


def test_a_search_whose_trials_all_failed(store: MlflowClient, record_search: Any) -> None:
    search = record_search(name="bad")
    search.end(search.start(0, BASELINE), "failed", saved=False)
    search.flush()
    found = find_result(store, "bad")
    assert found.best is None
    assert found.improvement is None
    assert (found.baseline.value, found.baseline.config) == (None, BASELINE)


def test_a_search_without_a_trial_yet(store: MlflowClient, record_search: Any) -> None:
    record_search(name="new").flush()
    found = find_result(store, "new")
    assert found.trials["total"] == 0
    assert (found.baseline.value, found.baseline.config, found.best) == (None, {}, None)


def test_a_search_in_the_queue(store: MlflowClient, search: Any) -> None:
    # resumed, it waits with the trials that it has
    store.set_tag(search.run.run_id, "tuneyard.state", "queued")
    found = find_result(store, "my-search")
    assert (found.state, found.best is None) == ("queued", False)

    queue_search(store, parse_spec({"task": "diabetes", "name": "first-time"}), None)
    with pytest.raises(SearchError, match="'first-time' has not started yet"):
        find_result(store, "first-time")


def test_a_best_trial_that_pbt_changed(store: MlflowClient, record_search: Any) -> None:
    search = record_search(name="population")
    record = search.start(0, BASELINE)
    search.train(record, [0.9])
    record.current = BASELINE | {"optimizer.sgd.lr": 0.08}
    search.train(record, [0.5], state="completed")
    search.end(record)
    search.flush()
    found = find_result(store, "population")
    assert found.best is not None
    assert found.best.config == BASELINE | {"optimizer.sgd.lr": 0.08}
    assert found.baseline.config == BASELINE


def test_a_task_means_the_search_of_its_champion(store: MlflowClient, search: Any) -> None:
    line = refusal(store, "diabetes")
    assert line.startswith("task 'diabetes' has no champion in sqlite:///")
    assert line.endswith(" yet; run: tuneyard search diabetes")
    store.create_registered_model("tuneyard-diabetes")
    tags = {"tuneyard.search": "my-search"}
    store.create_model_version("tuneyard-diabetes", "file:///nowhere", tags=tags)
    store.set_registered_model_alias("tuneyard-diabetes", CHAMPION, "1")
    assert find_result(store, "diabetes").search == "my-search"


def test_a_champion_from_elsewhere(store: MlflowClient) -> None:
    store.create_registered_model("tuneyard-diabetes")
    store.create_model_version("tuneyard-diabetes", "file:///nowhere")
    store.set_registered_model_alias("tuneyard-diabetes", CHAMPION, "1")
    assert "tuneyard-diabetes version 1, comes from no search" in refusal(store, "diabetes")


def test_an_unknown_search(store: MlflowClient, search: Any) -> None:
    for name in ("other", "it's", "%", "my-search' or '1'='1", "", "a/b", "x`", "MY-SEARCH"):
        line = refusal(store, name)
        assert line.startswith(f"there is no search and no task {name!r} in sqlite:///")
        assert line.endswith(f"; tasks: {', '.join(descriptions())}")


def test_an_unknown_search_in_an_empty_store(store: MlflowClient) -> None:
    assert refusal(store, "my-search").startswith("there is no search and no task 'my-search' in ")


KEYS = ["search", "task", "state", "objective", "trials", "baseline", "best", "mlflow", "wall_s"]


def test_the_command_prints_one_object(store: MlflowClient, search: Any) -> None:
    done = CliRunner().invoke(
        app, ["best", "my-search", "--json", "--tracking-uri", store.tracking_uri]
    )
    assert done.exit_code == 0
    shown = json.loads(done.stdout)
    assert list(shown) == KEYS
    assert shown["best"]["config"] == BETTER
    assert done.stderr == ""


def test_the_command_prints_tables(store: MlflowClient, search: Any) -> None:
    done = CliRunner().invoke(app, ["best", "my-search", "--tracking-uri", store.tracking_uri])
    assert done.exit_code == 0
    assert "Search my-search running: 5 trials (2 completed, 1 early stopped" in done.stdout
    assert search.trial(1).info.run_id in done.stdout


def test_the_command_ends_with_1_where_no_trial_succeeded(
    store: MlflowClient, record_search: Any
) -> None:
    search = record_search(name="bad")
    search.end(search.start(0, BASELINE), "failed", saved=False)
    search.flush()
    arguments = ["best", "bad", "--json", "--tracking-uri", store.tracking_uri]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert json.loads(done.stdout)["best"] is None
