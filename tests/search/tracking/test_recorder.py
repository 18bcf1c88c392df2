"""A search in a real MLflow: the parent run, a child run a trial, curves, changes and ends."""

import json
from typing import Any

import pytest
from mlflow import MlflowClient

from tuneyard.search.results.csv import trials_csv
from tuneyard.search.results.result import (
    BaselineResult,
    BestResult,
    MlflowResult,
    SearchResult,
)
from tuneyard.search.tracking.recorder import CURVE_POINTS, PARENT
from tuneyard.search.tracking.runs import end_search, finish_search
from tuneyard.search.tracking.tags import LAYOUT, NO_TRIALS
from tuneyard.search.trials.record import Params, State
from tuneyard.spaces.objective import Objective

PARAMS: Params = {"optimizer.kind": "sgd", "optimizer.sgd.lr": 0.1, "batch_size": None, "on": True}


def test_the_parent_run(record_search: Any, store: MlflowClient) -> None:
    search = record_search(sampler="random", trials=7, space={"l1": None, "epochs": 30})
    search.flush()
    run = store.get_run(search.run.run_id)
    assert store.get_experiment(run.info.experiment_id).name == "tuneyard/diabetes"
    assert run.info.run_name == "my-search"
    assert run.info.status == "RUNNING"
    ours = {key: value for key, value in run.data.tags.items() if key.startswith("tuneyard.")}
    assert ours.pop("tuneyard.version")
    assert json.loads(ours.pop("tuneyard.versions")).keys() >= {"python", "torch", "ray", "optuna"}
    # a heartbeat at once, and the commit where there is a repository
    for name in ("driver", "process", "heartbeat"):
        assert ours.pop(f"tuneyard.{name}")
    assert len(ours.pop("tuneyard.commit", "0" * 40)) == 40
    assert ours.pop("tuneyard.dirty", "false") in ("true", "false")
    assert ours == {
        "tuneyard.search": "my-search",
        "tuneyard.task": "diabetes",
        "tuneyard.state": "running",
        "tuneyard.budget": "7",
        "tuneyard.metric": "val_loss",
        "tuneyard.mode": "min",
        "tuneyard.layout": str(LAYOUT),
        "tuneyard.begun": "true",
        "tuneyard.trials": json.dumps(NO_TRIALS),
        "tuneyard.data": search.data.fingerprint,
        "tuneyard.data_name": search.data.name,
        "tuneyard.data_source": "package",
        "tuneyard.device": "cpu",
        "tuneyard.reason": "",
    }
    assert run.data.params["trials"] == "7"
    assert json.loads(run.data.params["space"]) == {"l1": None, "epochs": 30}
    assert json.loads(run.data.params["sampler"]) == {"kind": "random"}
    assert run.data.params["folds"] == "1"
    assert search.text("spec.yaml") == search.spec.to_yaml()
    schema = json.loads(search.text("space.schema.json"))
    assert schema["title"] == "DiabetesSpace"
    assert schema["properties"]["hidden_sizes"]["maxItems"] == 3


def test_the_experiment_is_made_once(record_search: Any, store: MlflowClient) -> None:
    first, second = record_search(), record_search(name="another")
    assert first.run.experiment_id == second.run.experiment_id
    assert first.run.run_id != second.run.run_id
    for search in (first, second):
        search.flush()


def test_a_trial_is_a_child_run(record_search: Any, store: MlflowClient) -> None:
    search = record_search()
    record = search.start(3, PARAMS)
    search.train(record, [0.5, 0.3])
    search.train(record, [0.4], state="completed")
    search.end(record)
    search.flush()
    run = search.trial(3)
    assert run.info.run_name == "my-search-00003"
    assert run.info.status == "FINISHED"
    assert run.info.experiment_id == search.run.experiment_id
    assert run.data.params == {
        "optimizer.kind": "sgd",
        "optimizer.sgd.lr": "0.1",
        "batch_size": "none",
        "on": "true",
    }
    assert run.data.tags["mlflow.parentRunId"] == search.run.run_id
    ours = {key: value for key, value in run.data.tags.items() if key.startswith("tuneyard.")}
    assert ours == {
        "tuneyard.search": "my-search",
        "tuneyard.number": "3",
        "tuneyard.state": "completed",
        "tuneyard.reason": "completed",
        "tuneyard.node": "node-a",
        "tuneyard.value": "0.3",
        "tuneyard.best_epoch": "2",
        "tuneyard.eligible": "true",
    }
    assert search.curve(run, "val_loss") == [(1, 0.5), (2, 0.3), (3, 0.4)]
    assert search.curve(run, "train_loss") == [(1, 1.0), (2, 0.6), (3, 0.8)]
    assert search.curve(run, "best_val_loss") == [(2, 0.3)]


@pytest.mark.parametrize(
    ("state", "saved", "status"),
    [
        ("completed", True, "FINISHED"),
        ("early_stopped", True, "FINISHED"),
        ("pruned", True, "KILLED"),
        ("pruned", False, "KILLED"),
        ("diverged", False, "FAILED"),
        ("out_of_memory", False, "FAILED"),
        ("failed", False, "FAILED"),
    ],
)
def test_how_a_trial_ended(
    record_search: Any, store: MlflowClient, state: State, saved: bool, status: str
) -> None:
    search = record_search()
    record = search.start(0, PARAMS)
    search.train(record, [0.5])
    record.reason = f"because of {state}"
    search.end(record, state, saved)
    search.flush()
    run = search.trial()
    assert run.info.status == status
    assert run.data.tags["tuneyard.state"] == state
    assert run.data.tags["tuneyard.reason"] == f"because of {state}"
    assert run.data.tags["tuneyard.eligible"] == json.dumps(saved)


def test_a_trial_that_failed_at_once_has_no_value(record_search: Any, store: MlflowClient) -> None:
    search = record_search()
    search.end(search.start(0, PARAMS), "failed", saved=False)
    search.flush()
    run = search.trial()
    assert run.data.metrics == {}
    assert "tuneyard.value" not in run.data.tags
    assert "best_val_loss" not in store.get_run(search.run.run_id).data.metrics


@pytest.mark.parametrize("steps", [[1000], [1] * 7 + [493, 493], [333, 333, 331], [250] * 4])
def test_a_long_curve_is_thinned_but_whole(
    record_search: Any, store: MlflowClient, steps: list[int]
) -> None:
    search = record_search(space={"epochs": 1000})
    pruned, completed = search.start(0, PARAMS), search.start(1, PARAMS)
    value = 1000.0
    for index, count in enumerate(steps):
        losses = [value - epoch for epoch in range(count)]
        value -= count
        search.train(pruned, losses)  # the scheduler tells of its end afterwards
        last = index == len(steps) - 1
        search.train(completed, losses, state="completed" if last else "running")
    search.end(pruned, "pruned", saved=False)
    search.end(completed)
    search.flush()
    total = sum(steps)
    for number in (0, 1):
        for name, scale in (("val_loss", 1), ("train_loss", 2)):
            points = search.curve(search.trial(number), name)
            epochs = [epoch for epoch, _ in points]
            assert epochs[0] == 1
            assert epochs[-1] == total
            assert epochs[1:-1] == list(range(10, total, 10))
            assert len(points) <= CURVE_POINTS + 2
            assert all(loss == scale * (1001 - epoch) for epoch, loss in points)


def test_a_short_curve_has_every_epoch_once(record_search: Any, store: MlflowClient) -> None:
    search = record_search(space={"epochs": 100})
    record = search.start(0, PARAMS)
    for _ in range(20):
        search.train(record, [0.5] * 5)
    search.end(record)
    search.flush()
    assert [epoch for epoch, _ in search.curve(search.trial(), "val_loss")] == list(range(1, 101))


def test_what_pbt_changes_is_a_stepped_metric(record_search: Any, store: MlflowClient) -> None:
    search = record_search()
    record = search.start(0, PARAMS)
    search.train(record, [0.9, 0.8])
    record.current = PARAMS | {"optimizer.sgd.lr": 0.08}
    search.train(record, [0.7, 0.6])
    search.train(record, [0.65])
    record.current = PARAMS | {"optimizer.sgd.lr": 0.096}
    search.train(record, [0.5], state="completed")
    search.end(record)
    search.flush()
    run = search.trial()
    assert run.data.params["optimizer.sgd.lr"] == "0.1"
    assert search.curve(run, "optimizer.sgd.lr") == [(3, 0.08), (6, 0.096)]
    assert {name for name in run.data.metrics if "." in name} == {"optimizer.sgd.lr"}
    assert json.loads(run.data.tags["tuneyard.best_params"]) == record.best_params


def test_params_are_logged_once(
    record_search: Any, store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    real = MlflowClient.log_batch

    def count(self: MlflowClient, run_id: str, **parts: Any) -> Any:
        logged.extend(param.key for param in parts["params"])
        return real(self, run_id, **parts)

    search = record_search()
    monkeypatch.setattr(MlflowClient, "log_batch", count)
    record = search.start(0, PARAMS)
    for _ in range(3):
        search.train(record, [0.9])
        record.current = dict(record.current)
    search.end(record)
    search.flush()
    assert sorted(logged) == sorted(PARAMS)


def test_best_so_far_is_a_metric_over_ended_trials(record_search: Any, store: MlflowClient) -> None:
    search = record_search()
    ends: list[tuple[float, State, bool]] = [
        (0.1, "diverged", False),
        (0.5, "completed", True),
        (0.7, "completed", True),
        (0.2, "pruned", False),
        (0.3, "early_stopped", True),
    ]
    for number, (value, state, saved) in enumerate(ends):
        record = search.start(number, PARAMS)
        search.train(record, [value])
        search.end(record, state, saved)
    search.flush()
    parent = store.get_run(search.run.run_id)
    assert search.curve(parent, "best_val_loss") == [(2, 0.5), (3, 0.5), (4, 0.5), (5, 0.3)]
    assert search.recorder.writer.run_id(PARENT) == search.run.run_id
    assert parent.info.status == "RUNNING"


def test_the_result_goes_to_the_parent_run(record_search: Any, store: MlflowClient) -> None:
    search = record_search()
    record = search.start(0, PARAMS)
    search.train(record, [0.5, 0.4])
    search.end(record)
    search.flush()
    result = SearchResult(
        search="my-search",
        task="diabetes",
        state="completed",
        objective=Objective(metric="val_loss", mode="min"),
        trials={"total": 1},
        baseline=BaselineResult(value=0.5, config=PARAMS),
        best=BestResult(
            value=0.4,
            config=PARAMS,
            epoch=2,
            mlflow_run_id=search.trial().info.run_id,
            test={"test_loss": 0.6},
        ),
        mlflow=MlflowResult(
            tracking_uri=search.run.tracking_uri,
            experiment_id=search.run.experiment_id,
            run_id=search.run.run_id,
        ),
        wall_s=1.5,
    )
    finish_search(store, result, trials_csv([record]))
    end_search(store, search.run.run_id, "completed")
    run = store.get_run(search.run.run_id)
    assert (run.data.tags["tuneyard.state"], run.info.status) == ("completed", "FINISHED")
    assert run.data.tags["tuneyard.best_run"] == search.trial().info.run_id
    assert run.data.metrics == {
        "best_val_loss": 0.4,
        "baseline_val_loss": 0.5,
        "test_loss": 0.6,
        "improvement_percent": pytest.approx(-20),
    }
    assert SearchResult.model_validate_json(search.text("result.json")) == result
    assert search.text("trials.csv").startswith("number,state,reason,value,")
