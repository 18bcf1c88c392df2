"""The runs of searches in a real MLflow: queued, resumed, closed after a crash, found again."""

import json
import time
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient

from tuneyard.search.errors import SearchError
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.tracking import runs as mlflow_runs
from tuneyard.search.tracking.heartbeat import Pulse
from tuneyard.search.tracking.runs import (
    close_search,
    describe_search,
    find_children,
    find_experiment,
    find_search,
    queue_search,
    queued_spec,
)
from tuneyard.search.tracking.state import shown_state
from tuneyard.search.tracking.tags import LAYOUT, NO_TRIALS
from tuneyard.search.trials.record import Params
from tuneyard.spaces.objective import Objective

PARAMS: Params = {"optimizer.kind": "sgd"}
LOSS = Objective("val_loss", "min")
SPEC = parse_spec({"task": "diabetes", "name": "queued", "trials": 7, "space": {"l1": None}})


def ours(client: MlflowClient, run_id: str) -> dict[str, str]:
    tags = client.get_run(run_id).data.tags
    return {name: value for name, value in tags.items() if name.startswith("tuneyard.")}


def test_a_queued_search_is_its_spec(store: MlflowClient) -> None:
    run = queue_search(store, SPEC, "ada")
    found = find_search(store, "queued")
    assert found is not None
    assert found.info.run_id == run.run_id
    assert found.info.run_name == "queued"
    assert ours(store, run.run_id) == {
        "tuneyard.search": "queued",
        "tuneyard.task": "diabetes",
        "tuneyard.budget": "7",
        "tuneyard.state": "queued",
        "tuneyard.user": "ada",
        "tuneyard.layout": str(LAYOUT),
        "tuneyard.begun": "false",
        "tuneyard.trials": json.dumps(NO_TRIALS),
    }
    assert parse_spec(yaml.safe_load(queued_spec(store, found))) == SPEC
    with pytest.raises(SearchError, match=r"^there is a search 'queued' already; give another"):
        queue_search(store, SPEC, "grace")


def test_a_search_that_starts_again_is_described_anew(store: MlflowClient, data: Any) -> None:
    """Its params stay, as MLflow's can't change; what a resume changes is in tags and file."""
    run = queue_search(store, SPEC, None)
    describe_search(store, run, ResolvedSpec.of(SPEC), data)
    params = store.get_run(run.run_id).data.params
    assert params["trials"] == "7"
    store.set_tag(run.run_id, "tuneyard.state", "stopped")
    store.set_terminated(run.run_id, "KILLED")
    larger = SPEC.model_copy(update={"trials": 9, "target": 0.5})
    describe_search(store, run, ResolvedSpec.of(larger), data)
    found = store.get_run(run.run_id)
    assert found.info.status == "RUNNING"
    assert found.data.params == params | {"target": "0.5"}
    assert found.data.tags["tuneyard.state"] == "running"
    assert found.data.tags["tuneyard.budget"] == "9"
    assert found.data.tags["tuneyard.data"] == data.fingerprint
    recorded = ResolvedSpec.of(larger).recorded()
    assert parse_spec(yaml.safe_load(queued_spec(store, found))) == recorded


@pytest.fixture
def data(record_search: Any) -> Any:
    """Some data set."""
    return record_search(name="another").data


def test_what_a_killed_driver_left_open_is_closed(record_search: Any, store: MlflowClient) -> None:
    search = record_search()
    for number in range(3):
        search.train(search.start(number, PARAMS), [0.5])
    ended = search.start(3, PARAMS)
    search.train(ended, [0.4])
    search.end(ended)
    search.flush()
    before = search.trial(3).to_dictionary()
    store.set_tag(search.run.run_id, "tuneyard.heartbeat", 4e9)
    close_search(store, store.get_run(search.run.run_id))
    for number in range(3):
        run = search.trial(number)
        assert run.info.status == "KILLED"
        assert run.data.tags["tuneyard.state"] == "interrupted"
    assert search.trial(3).to_dictionary() == before
    parent = store.get_run(search.run.run_id)
    assert parent.info.status == "KILLED"
    assert parent.data.tags["tuneyard.state"] == "stopped"
    assert shown_state(parent, Pulse(), (), time.time()) == "stopped"


def test_children_are_found_however_many(
    record_search: Any, store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, other = record_search(), record_search(name="another")
    for number in (4, 0, 2, 1, 3):
        search.start(number, PARAMS)
    other.start(7, PARAMS)
    search.flush(), other.flush()
    nested = {"mlflow.parentRunId": search.run.run_id}
    store.create_run(search.run.experiment_id, tags=nested, run_name="a note of a person")
    monkeypatch.setattr(mlflow_runs, "PAGE", 2)
    found = find_children(store, search.run)
    assert sorted(found) == [0, 1, 2, 3, 4]
    assert all(run.data.tags["tuneyard.number"] == str(number) for number, run in found.items())
    assert all(run.data.tags["tuneyard.search"] == "my-search" for run in found.values())


def test_two_searches_make_the_experiment_of_a_task_at_once(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = find_experiment(store, "diabetes")
    real, answers = store.get_experiment_by_name, [None]
    # the first one asks before the other has made it
    monkeypatch.setattr(
        store, "get_experiment_by_name", lambda name: answers.pop() if answers else real(name)
    )
    assert find_experiment(store, "diabetes") == made
    assert answers == []


def test_a_trial_is_no_search(record_search: Any, store: MlflowClient) -> None:
    search = record_search()
    search.start(0, PARAMS)
    search.flush()
    found = find_search(store, "my-search")
    assert found is not None
    assert found.info.run_id == search.run.run_id
    for name in ("my-search-00000", "MY-SEARCH", "my-search' or '1'='1", ""):
        assert find_search(store, name) is None
