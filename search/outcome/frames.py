"""A search's trials and curves as pandas data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run

from tuneyard.search.results.csv import COLUMNS as BEFORE
from tuneyard.search.results.csv import param_paths, trials_csv
from tuneyard.search.tracking.recorded import RecordedTrial
from tuneyard.search.trials.record import TrialRecord

REQUESTS = 8
"""How many requests wait for MLflow at a time: it answers for one curve of one trial at once."""

COLUMNS = ("state", "reason", "value", "best_epoch", "seconds")
"""Of a trial, before its parameters."""


def param_column(path: str) -> str:
    """The column of a parameter: its dotted path, or ``params.value`` where `COLUMNS` has it."""
    return f"params.{path}" if path in COLUMNS else path


def trials_frame(table: str) -> pd.DataFrame:
    """The trials of a search, one row each.

    Args:
        table: As `tuneyard.search.results.csv.trials_csv` wrote it.

    Returns:
        By ``number``: `COLUMNS`, and each parameter's `param_column`. Whole numbers and truth
        values stay what they are where a trial has none, which is then ``<NA>``.
    """
    paths = param_paths(next(csv.reader(io.StringIO(table))))
    frame = pd.read_csv(
        io.StringIO(table),
        header=0,
        names=[*(f"trial {name}" for name in BEFORE), *paths],
        # "none" and "nan" are words that a parameter may have
        keep_default_na=False,
        na_values=[""],
        dtype_backend="numpy_nullable",
        dtype={"trial state": "str", "trial reason": "str"},
    )
    frame = frame.set_index("trial number").rename_axis("number").sort_index()
    frame = frame.drop(columns=["trial epoch", "trial node"])
    frame.columns = pd.Index([*COLUMNS, *map(param_column, paths)])
    frame = frame.astype({"value": "float64", "seconds": "float64", "best_epoch": "Int64"})
    frame.loc[frame["value"].isna(), "best_epoch"] = pd.NA
    floats = frame.select_dtypes("Float64").columns
    return frame.astype(dict.fromkeys(floats, "float64"))


def trials_table(trials: Iterable[RecordedTrial]) -> str:
    """The table of trials that MLflow alone knows of; it does not know how long they trained."""
    return trials_csv(
        [
            TrialRecord(
                trial.number,
                trial.params,
                state=trial.state,
                reason=trial.reason,
                value=trial.value,
                best_epoch=trial.best_epoch or 0,
                best_params=trial.best_params,
                seconds=float("nan"),
            )
            for trial in trials
        ]
    )


def curves_frame(client: MlflowClient, children: Mapping[int, Run]) -> pd.DataFrame:
    """The metrics of a search's trials by epoch, one row for each trial and epoch.

    Args:
        client: Of the tracking server.
        children: The runs of the trials by number.

    Returns:
        ``trial`` and ``epoch``, and a column for each metric; NaN where a trial has no value.
    """
    asked = [
        (number, run.info.run_id, metric)
        for number, run in sorted(children.items())
        for metric in sorted(run.data.metrics)
        if _is_curve(metric, run)
    ]
    with ThreadPoolExecutor(REQUESTS) as pool:
        histories = pool.map(lambda one: client.get_metric_history(one[1], one[2]), asked)
        # by epoch: what is written again after a lost answer counts once
        values = {
            (number, int(point.step), metric): point.value
            for (number, _, metric), history in zip(asked, histories, strict=True)
            for point in history
        }
    rows: dict[tuple[int, int], dict[str, float]] = {}
    for (number, epoch, metric), value in values.items():
        rows.setdefault((number, epoch), {})[metric] = value
    metrics = sorted({metric for _, _, metric in asked})
    frame = pd.DataFrame(
        [{"trial": trial, "epoch": epoch} | row for (trial, epoch), row in sorted(rows.items())],
        columns=["trial", "epoch", *metrics],
    )
    return frame.astype({"trial": "int64", "epoch": "int64"})


def _is_curve(metric: str, run: Run) -> bool:
    """Whether a metric was logged by epoch, and is none that a scheduler changes."""
    return not metric.startswith(("best_", "test_", "system/")) and metric not in run.data.params
