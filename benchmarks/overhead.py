"""What a trial costs beyond its training: tuneyard beside Ray Tune, Optuna and MLflow by hand.

Each searches the airplane LSTM, one trial at a time, a few epochs each, and records every epoch in
a local MLflow store: the libraries by hand, the shipped task, and a function in a user's file that
trains the same. The cost is the time from one trial's end to the next one's, less the time that the
trial spent in training; the first trial, which starts the worker, does not count. The shipped task
and the function are measured in turns, since a machine is not equally fast all the time.

    python benchmarks/overhead.py [--trials 40] [--epochs 5] [--rounds 3]
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import ray
from mlflow import MlflowClient
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.search.optuna import OptunaSearch

from tuneyard.search import SearchResult, Settings
from tuneyard.search.api import search
from tuneyard.search.spec.files import parse_spec
from tuneyard.spaces.registry import open_file
from tuneyard.trainables.task import find_task
from tuneyard.trainables.training.training import Training

FUNCTION = """
from tuneyard.spaces.tasks.airplane_lstm import AirplaneLstmSpace as Space
from tuneyard.trainables.task import find_task
from tuneyard.trainables.training.training import Training

objective = "min val_rmse"
task = find_task("airplane-lstm")


def load_data(data_dir):
    return task.load(data_dir)


def train(config, trial, data):
    training = Training(task, config, [data], seed=trial.seed)
    trial.keep(model=training.problems[0].model)
    for _ in trial.epochs(config.epochs):
        trial.report(**training.run_epoch())
"""
"""A user's file that trains the same in a function of its own."""


def function_costs(folder: Path, trials: int, epochs: int) -> list[float]:
    """The same of the function in a user's file."""
    (folder / "airplane.py").write_text(FUNCTION)
    return tuneyard_costs(folder, trials, epochs, open_file(str(folder / "airplane.py")).name)


def tuneyard_costs(
    folder: Path, trials: int, epochs: int, task: str = "airplane-lstm"
) -> list[float]:
    """Seconds beyond training of each trial but the first."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    spec = parse_spec(
        {
            "task": task,
            "trials": trials,
            "max_concurrent_trials": 1,
            "scheduler": "none",
            "space": {"epochs": epochs},
        }
    )
    result = search(spec, Settings(storage=folder / "searches", tracking_uri=uri))
    client = MlflowClient(uri)
    text = client.download_artifacts(result.mlflow.run_id, "trials.csv", str(folder))
    rows = list(csv.DictReader(io.StringIO(Path(text).read_text())))
    ends = sorted(run.info.end_time / 1000 for run in _children(client, result))
    return _beyond(ends, [float(row["seconds"]) for row in rows])


def _children(client: MlflowClient, result: SearchResult) -> list:
    return client.search_runs(
        [result.mlflow.experiment_id],
        filter_string=f"tags.`mlflow.parentRunId` = '{result.mlflow.run_id}'",
        max_results=1000,
    )


def stock_costs(folder: Path, trials: int, epochs: int) -> list[float]:
    """The same of a function trainable with OptunaSearch and Ray's MLflow callback."""

    def train(config: dict[str, float]) -> None:
        started = time.perf_counter()
        task = find_task("airplane-lstm")
        settings = task.space(
            hidden_size=int(config["hidden_size"]),
            lookback=int(config["lookback"]),
            optimizer={"kind": "adam", "lr": config["lr"]},
            epochs=epochs,
        )
        training = Training(task, settings, [task.load(None)], seed=0)
        while training.ended is None:
            metrics = training.run_epoch()
            seconds = time.perf_counter() - started
            tune.report({**metrics, "seconds": seconds, "ended_at": time.time()})

    results = tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        param_space={
            "hidden_size": tune.randint(2, 64),
            "lookback": tune.randint(2, 36),
            "lr": tune.loguniform(1e-5, 1e-1),
        },
        tune_config=tune.TuneConfig(
            metric="val_rmse",
            mode="min",
            search_alg=OptunaSearch(),
            num_samples=trials,
            max_concurrent_trials=1,
        ),
        run_config=tune.RunConfig(
            name="stock",
            storage_path=str(folder),
            verbose=0,
            callbacks=[
                MLflowLoggerCallback(
                    tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", experiment_name="stock"
                )
            ],
        ),
    ).fit()
    frames = sorted((result.metrics for result in results), key=lambda one: one["ended_at"])
    return _beyond([one["ended_at"] for one in frames], [one["seconds"] for one in frames])


def _beyond(ends: list[float], seconds: list[float]) -> list[float]:
    gaps = [after - before for before, after in itertools.pairwise(ends)]
    return [gap - trained for gap, trained in zip(gaps, seconds[1:], strict=True)]


def _measure(
    ways: list[tuple[str, Callable[[Path, int, int], list[float]]]], arguments: argparse.Namespace
) -> None:
    """Measures each way in turn, and prints its costs."""
    costs: dict[str, list[float]] = {}
    for name, measure in ways:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(Path(folder), arguments.trials, arguments.epochs)
        costs.setdefault(name, []).extend(found)
    for name, found in costs.items():
        print(
            f"{name:15s} median {1000 * statistics.median(found):7.1f} ms"
            f"   mean {1000 * statistics.mean(found):7.1f} ms a trial beyond its training",
            flush=True,
        )


def main() -> None:
    """Prints the median and the mean cost of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    logging.getLogger("ray").setLevel(logging.ERROR)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    print(f"{arguments.trials} trials of {arguments.epochs} epochs, one at a time, MLflow on")
    # stock first, and once, for it is slow: what tuneyard sets in the environment must not help it
    _measure([("stock Ray Tune", stock_costs)], arguments)
    ours = [("shipped task", tuneyard_costs), ("own function", function_costs)]
    _measure(ours * arguments.rounds, arguments)
    ray.shutdown()


if __name__ == "__main__":
    main()
