"""A result: which trial is best, what is counted, its JSON as the command line promises it."""

import csv
import io
import json
import math
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from tuneyard.search.results.csv import param_paths, trials_csv
from tuneyard.search.results.result import (
    BaselineResult,
    BestResult,
    MlflowResult,
    SearchResult,
    best_result,
    count_trials,
)
from tuneyard.search.trials.ranking import best_trial
from tuneyard.search.trials.record import Params, State, TrialRecord
from tuneyard.spaces.objective import Objective


def record(
    number: int, value: float | None, saved: bool = True, state: State = "completed"
) -> TrialRecord:
    checkpoint = f"checkpoints/{number:05d}/checkpoint_000000" if saved else None
    return TrialRecord(number, {}, value=value, checkpoint=checkpoint, state=state)


def result(**changes: Any) -> SearchResult:
    values: dict[str, Any] = {
        "search": "my-search",
        "task": "diabetes",
        "state": "completed",
        "objective": Objective(metric="val_loss", mode="min"),
        "trials": count_trials([record(0, 0.5)]),
        "baseline": BaselineResult(value=0.5, config={"lr": 0.1, "l1": None, "on": True}),
        "best": BestResult(
            value=0.4, config={"lr": 0.2}, epoch=7, mlflow_run_id="r1", test={"test_loss": 0.6}
        ),
        "mlflow": MlflowResult(tracking_uri="sqlite:///m.db", experiment_id="1", run_id="r0"),
        "wall_s": 1.25,
    }
    return SearchResult(**(values | changes))


@pytest.mark.parametrize(
    ("mode", "records", "best"),
    [
        ("min", [record(0, 0.5), record(1, 0.3), record(2, 0.4)], 1),
        ("max", [record(0, 0.5), record(1, 0.3), record(2, 0.4)], 0),
        ("min", [record(0, 0.3), record(1, 0.3)], 0),
        ("max", [record(0, 0.3), record(1, 0.3)], 0),
        ("min", [record(0, 0.5), record(1, 0.3, saved=False)], 0),
        ("min", [record(0, 0.5), record(1, None)], 0),
        ("min", [record(0, 0.0), record(1, -0.1)], 1),
        ("min", [record(0, None, saved=False), record(1, 0.3, saved=False)], None),
        ("min", [], None),
    ],
)
def test_the_best_trial(
    mode: Literal["min", "max"], records: list[TrialRecord], best: int | None
) -> None:
    found = best_trial(records, Objective("val_loss", mode))
    assert (found.number if found else None) == best


def test_the_best_trial_as_a_result() -> None:
    best = record(3, 0.25)
    best.params, best.best_params = {"lr": 0.1}, {"lr": 0.08}
    best.best_epoch, best.epoch, best.run_id = 7, 9, "abc"
    assert best_result(best, {"test_loss": 0.5}) == BestResult(
        value=0.25, config={"lr": 0.08}, epoch=7, mlflow_run_id="abc", test={"test_loss": 0.5}
    )


def test_every_state_is_counted() -> None:
    states: list[State] = ["completed", "pruned", "pruned", "failed", "diverged", "early_stopped"]
    records = [record(number, 0.5, state=state) for number, state in enumerate(states)]
    assert count_trials(records) == {
        "total": 6,
        "completed": 1,
        "early_stopped": 1,
        "pruned": 2,
        "diverged": 1,
        "out_of_memory": 0,
        "failed": 1,
    }
    assert sum(count_trials([]).values()) == 0


@pytest.mark.parametrize(
    ("baseline", "best", "improvement"),
    [
        (0.5, 0.4, -20.0),
        (0.5, 0.6, 20.0),
        (-0.5, -0.4, 20.0),
        (-0.5, -0.6, -20.0),
        (0.5, 0.5, 0.0),
        (0.0, 0.5, None),
        (None, 0.5, None),
        (0.5, None, None),
    ],
)
def test_improvement_is_the_change_in_percent(
    baseline: float | None, best: float | None, improvement: float | None
) -> None:
    found = result(
        baseline=BaselineResult(value=baseline, config={}),
        best=best
        and BestResult(value=best, config={}, epoch=1, mlflow_run_id="r", test={"test_loss": 1}),
    )
    assert found.improvement == (None if improvement is None else pytest.approx(improvement))


TRIALS = ["total", "completed", "early_stopped", "pruned", "diverged", "out_of_memory", "failed"]


def test_the_json_has_the_keys_of_the_command_line() -> None:
    shown = json.loads(result().model_dump_json())
    assert {
        key: list(value) if isinstance(value, dict) else None for key, value in shown.items()
    } == {
        "search": None,
        "task": None,
        "state": None,
        "objective": ["metric", "mode"],
        "trials": TRIALS,
        "baseline": ["value", "config"],
        "best": ["value", "config", "epoch", "mlflow_run_id", "test"],
        "mlflow": ["tracking_uri", "experiment_id", "run_id"],
        "wall_s": None,
    }
    assert shown["baseline"]["config"] == {"lr": 0.1, "l1": None, "on": True}
    assert SearchResult.model_validate(shown) == result()


def test_a_failed_search_has_no_best() -> None:
    failed = result(state="failed", best=None, baseline=BaselineResult(value=None, config={}))
    shown = json.loads(failed.model_dump_json())
    assert shown["best"] is None
    assert shown["baseline"]["value"] is None
    assert SearchResult.model_validate(shown) == failed


def test_the_json_is_json_whatever_a_metric_is() -> None:
    odd = {"test_loss": math.nan, "test_ratio": math.inf}
    best = BestResult(value=0.4, config={}, epoch=1, mlflow_run_id="r", test=odd)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    text = result(best=best).model_dump_json()
    shown = json.loads(text, parse_constant=refuse)
    assert shown["best"]["test"] == {"test_loss": None, "test_ratio": None}


def test_a_result_is_what_it_says() -> None:
    with pytest.raises(ValidationError):
        result(state="cancelled")
    with pytest.raises(ValidationError):
        result(more=1)


PARAMS: Params = {"optimizer.kind": "sgd", "optimizer.sgd.lr": 0.1, "batch_size": None, "on": True}


def test_trials_csv() -> None:
    ended = TrialRecord(0, PARAMS, state="completed", reason="completed", epoch=9, value=0.1 + 0.2)
    ended.best_epoch, ended.seconds = 7, 1.23456
    ended.best_params = PARAMS | {"optimizer.sgd.lr": 0.08}
    failed = TrialRecord(1, {"optimizer.kind": "adam"}, state="failed", reason='a "b",\nc')
    first, second = csv.DictReader(io.StringIO(trials_csv([ended, failed])))
    assert first == {
        "number": "0",
        "state": "completed",
        "reason": "completed",
        "value": "0.30000000000000004",
        "best_epoch": "7",
        "epoch": "9",
        "seconds": "1.235",
        "node": "",
        "batch_size": "none",
        "on": "true",
        "optimizer.kind": "sgd",
        "optimizer.sgd.lr": "0.08",
    }
    assert (second["state"], second["reason"], second["value"]) == ("failed", 'a "b",\nc', "")
    assert (second["optimizer.kind"], second["optimizer.sgd.lr"]) == ("adam", "")


def test_a_parameter_named_like_a_column_has_one_of_its_own() -> None:
    params: Params = {"epoch": 3, "epochs": 30, "seconds": 1.5, "state": "solid", "group.value": 2}
    ended = TrialRecord(0, params, state="completed", epoch=9, value=0.5, seconds=7.0)
    table = list(csv.reader(io.StringIO(trials_csv([ended]))))
    names, row = table
    assert len(set(names)) == len(names)
    shown = dict(zip(names, row, strict=True))
    assert (shown["epoch"], shown["seconds"], shown["state"]) == ("9", "7.0", "completed")
    assert shown["epochs"] == "30"
    assert (shown["params.epoch"], shown["params.seconds"]) == ("3", "1.5")
    assert sorted(param_paths(names)) == sorted(params)
