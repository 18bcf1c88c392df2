"""Whole searches on a real Ray and a real MLflow store, read back through their clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tuneyard.search import SearchError, SearchResult, SearchSpec, Settings
from tuneyard.search.api import search
from tuneyard.search.spec.files import parse_spec

pytestmark = pytest.mark.usefixtures("local_ray")


def run(settings: Settings, **values: object) -> SearchResult:
    return search(parse_spec(values), settings)


def test_asha_on_the_airplane_series(settings: Settings, records: Any) -> None:
    result = run(
        settings,
        task="airplane-lstm",
        trials=10,
        scheduler={"kind": "asha", "grace_period": 2},
        space={"epochs": 12},
        seed=1,
    )
    left = records(settings, result.search)
    left.check(result)

    assert result.state == "completed"
    assert result.trials["total"] == 10
    assert result.trials["pruned"] > 0
    assert result.baseline.config["lookback"] == 2
    assert result.best is not None
    assert result.baseline.value is not None
    assert result.best.value <= result.baseline.value
    assert set(result.best.test) == {"test_loss", "test_rmse", "test_mae"}
    first = left.children[0]
    assert first.data.params["optimizer.adam.lr"] == "0.01"
    curve = left.client.get_metric_history(first.info.run_id, "val_rmse")
    assert [point.step for point in curve] == list(range(1, 13))
    stepped = left.client.get_metric_history(result.mlflow.run_id, "best_val_rmse")
    values = [point.value for point in sorted(stepped, key=lambda point: point.step)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == result.best.value
    artifacts = {one.path for one in left.client.list_artifacts(result.mlflow.run_id)}
    assert artifacts == {"spec.yaml", "space.schema.json", "trials.csv", "result.json"}
    champion = left.client.get_model_version_by_alias("tuneyard-airplane-lstm", "champion")
    assert champion.run_id == result.best.mlflow_run_id


def test_a_trial_that_diverges(settings: Settings, records: Any, data_dir: Path) -> None:
    """L-BFGS on batches of 32 gives NaN in its first epoch."""
    result = run(
        settings.model_copy(update={"data_dir": data_dir}),
        task="diabetes",
        trials=5,
        sampler="grid",
        space={
            "optimizer.kind": ["sgd", "lbfgs"],
            "optimizer.sgd.lr": 0.1,
            "optimizer.sgd.momentum": 0.0,
            "optimizer.sgd.nesterov": False,
            "optimizer.sgd.weight_decay": None,
            "optimizer.lbfgs.lr": 1.0,
            "optimizer.lbfgs.max_iter": 20,
            "optimizer.lbfgs.history_size": 100,
            "optimizer.lbfgs.line_search": "none",
            "schedule.kind": "constant",
            "l1": None,
            "clip_norm": None,
            "batch_size": 32,
            "hidden_sizes.length": 2,
            "hidden_sizes.0": 64,
            "hidden_sizes.1": 64,
            "activation": "relu",
            "batch_norm": False,
            "dropout": 0.0,
            "epochs": 5,
        },
    )
    left = records(settings, result.search)
    left.check(result)
    assert result.trials["total"] == 2, "the grid has two points"
    assert result.trials["diverged"] == 1
    assert result.best is not None
    assert result.best.config["optimizer.kind"] == "sgd"


def fixed_airplane() -> dict[str, object]:
    """The airplane space with one config: each test frees what it searches."""
    return {
        "optimizer.kind": "adam",
        "optimizer.adam.lr": 0.01,
        "optimizer.adam.beta1": 0.9,
        "optimizer.adam.weight_decay": None,
        "schedule.kind": "constant",
        "l1": None,
        "clip_norm": None,
        "transform": "none",
        "cell": "lstm",
        "hidden_size": 4,
        "num_layers": 1,
        "dropout": 0.0,
        "residual": False,
        "epochs": 4,
    }


def test_median_stopping(settings: Settings, records: Any) -> None:
    """HyperBand and PBT are in `test_resume`."""
    result = run(
        settings,
        task="airplane-lstm",
        trials=6,
        scheduler="median",
        sampler="random",
        space={"epochs": 9},
    )
    left = records(settings, result.search)
    left.check(result)
    assert result.state == "completed"
    assert result.trials["total"] == 6


def test_time_that_runs_out_keeps_what_was_found(settings: Settings, records: Any) -> None:
    result = run(
        settings,
        task="airplane-lstm",
        trials=100,
        time="4s",
        scheduler="none",
        space={"epochs": 100000},
    )
    left = records(settings, result.search)
    left.check(result)
    assert result.state == "completed"
    assert 0 < result.trials["total"] < 100
    assert result.trials["pruned"] == result.trials["total"]
    assert {one.data.tags["tuneyard.reason"] for one in left.children} == {"deadline"}
    assert result.best is not None, "a trial that the deadline cuts keeps its best weights"


def test_a_target_that_is_reached_ends_the_search(settings: Settings, records: Any) -> None:
    result = run(settings, task="airplane-lstm", trials=100, target=200.0, space={"epochs": 100000})
    left = records(settings, result.search)
    left.check(result)
    assert result.best is not None
    assert result.best.value <= 200.0
    assert result.trials["total"] < 100


def test_the_same_search_again_finds_the_same(settings: Settings) -> None:
    values = {
        "task": "airplane-lstm",
        "trials": 4,
        "max_concurrent_trials": 1,
        "space": {"epochs": 5},
    }
    first, second = run(settings, **values), run(settings, **values)
    assert first.best is not None
    assert second.best is not None
    assert first.best.value == second.best.value
    assert first.best.config == second.best.config
    assert first.best.test == second.best.test
    assert first.search != second.search


def test_a_trial_that_raises(settings: Settings, records: Any) -> None:
    """Ray grants a logical GPU here, and torch finds none."""
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU that torch can use")
    result = run(
        settings,
        task="airplane-lstm",
        trials=2,
        gpus_per_trial=0.5,
        keep_going=True,
        space=fixed_airplane() | {"lookback": {"low": 2, "high": 3}},
    )
    left = records(settings, result.search)
    left.check(result)
    assert result.trials["failed"] == 2
    assert result.state == "failed"
    assert result.best is None
    reason = left.children[0].data.tags["tuneyard.reason"]
    assert "Ray granted GPU" in reason
    assert "--gpus-per-trial 0" in reason


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"cpus_per_trial": 64}, "cpus_per_trial must be at most 2"),
        ({"gpus_per_trial": 8}, "gpus_per_trial must be at most 1"),
    ],
)
def test_more_than_there_is_changes_nothing(
    settings: Settings, values: dict[str, object], line: str
) -> None:
    before = sorted(settings.storage.parent.rglob("*"))
    with pytest.raises(SearchError, match=line):
        search(SearchSpec.model_validate({"task": "airplane-lstm"} | values), settings)
    assert sorted(settings.storage.parent.rglob("*")) == before
