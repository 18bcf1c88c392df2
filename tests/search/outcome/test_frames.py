"""Trials and curves as data frames, from the folder and from MLflow."""

from __future__ import annotations

import shutil
from typing import Any

import pandas as pd
import pytest

from tuneyard.search import Outcome, SearchError
from tuneyard.search.outcome.frames import trials_frame
from tuneyard.search.results.csv import trials_csv
from tuneyard.search.trials.record import TrialRecord

BEFORE = ["state", "reason", "value", "best_epoch", "seconds"]


def test_a_row_for_each_trial(recorded: Any) -> None:
    trials = recorded.outcome().trials
    assert trials.index.tolist() == list(range(12))
    assert trials.index.name == "number"
    assert trials.columns[:5].tolist() == BEFORE
    paths = {path for record in recorded.records for path in record.params}
    assert set(trials.columns[5:]) == paths
    for record in recorded.records:
        row = trials.loc[record.number]
        assert (row["state"], row["reason"]) == (record.state, record.reason)
        assert row["seconds"] == record.seconds
        if record.value is None:
            assert pd.isna(row["value"])
            assert pd.isna(row["best_epoch"])
        else:
            assert (row["value"], row["best_epoch"]) == (record.value, record.best_epoch)
        for path in paths:
            if path not in record.params:
                assert pd.isna(row[path])
            elif isinstance(record.params[path], bool | int | float):
                assert row[path] == record.params[path], path


def test_columns_keep_their_types_where_a_trial_has_no_value(found: Outcome) -> None:
    types = found.trials.dtypes.astype(str)
    assert types["epochs"] == "Int64"
    assert types["dropout"] == "float64"
    assert types["optimizer.sgd.lr"] == "float64"
    assert types["batch_norm"] == "boolean"
    assert types["batch_size"] == "Int64"
    assert found.trials["batch_size"].isna().any()
    assert types["best_epoch"] == "Int64"
    assert found.trials["optimizer.kind"][0] == "sgd"


def test_the_frames_are_the_callers_own(found: Outcome) -> None:
    trials, curves = found.trials, found.curves
    trials["value"] = 0.0
    curves["trial"] = 0
    assert found.trials["value"][0] == 0.5
    assert found.curves["trial"].nunique() == 11


def test_words_that_pandas_reads_as_nothing() -> None:
    records = [
        TrialRecord(0, {"transform": "none", "mark": "nan", "whole": 0.0}),
        TrialRecord(1, {"transform": "log", "mark": "NA", "whole": 1.0}),
    ]
    frame = trials_frame(trials_csv(records))
    assert frame["transform"].tolist() == ["none", "log"]
    assert frame["mark"].tolist() == ["nan", "NA"]
    assert frame["whole"].dtype == "float64"


def test_a_parameter_named_like_a_column() -> None:
    params = {"value": 7, "epochs": 30, "state": "solid", "node": "x", "number": 5}
    records = [TrialRecord(3, params, state="completed", value=0.25, best_epoch=2, epoch=4)]  # type: ignore[arg-type]
    frame = trials_frame(trials_csv(records))
    assert frame.columns.is_unique
    assert frame.loc[3, "value"] == 0.25
    assert frame.loc[3, "params.value"] == 7
    assert frame.loc[3, "params.state"] == "solid"
    assert frame.loc[3, "epochs"] == 30
    assert (frame.loc[3, "node"], frame.loc[3, "number"]) == ("x", 5)


def test_trials_without_the_folder(recorded: Any) -> None:
    """From the table in MLflow, and before there is one, from the trials' runs."""
    whole = recorded.outcome().trials
    result = recorded.result
    shutil.rmtree(recorded.folder.path)
    runs = recorded.outcome().trials
    assert runs["seconds"].isna().all(), "MLflow does not know it"
    pd.testing.assert_frame_equal(runs.drop(columns="seconds"), whole.drop(columns="seconds"))
    table = trials_csv(recorded.records)
    recorded.client.log_text(result.mlflow.run_id, table, "trials.csv")
    pd.testing.assert_frame_equal(recorded.outcome().trials, whole)


def test_a_table_from_before_a_resume_is_not_taken(recorded: Any) -> None:
    recorded.folder.write("trials.csv", trials_csv(recorded.records[:5]))
    assert len(recorded.outcome().trials) == 12


def test_curves_are_long(recorded: Any) -> None:
    curves = recorded.outcome().curves
    assert curves.columns.tolist() == ["trial", "epoch", "train_loss", "val_loss"]
    assert len(curves) == 10 * 3 + 2
    first = curves[curves["trial"] == 0]
    assert first["epoch"].tolist() == [1, 2, 3]
    assert first["val_loss"].tolist() == pytest.approx([0.6, 0.55, 0.5])
    assert first["train_loss"].tolist() == pytest.approx([1.2, 1.1, 1.0])
    assert curves[curves["trial"] == 3]["epoch"].tolist() == [1, 2]
    assert 4 not in set(curves["trial"]), "it has no epoch"
    assert curves.sort_values(["trial", "epoch"]).index.tolist() == curves.index.tolist()


def test_an_epoch_that_was_written_twice_counts_once(recorded: Any) -> None:
    child = next(
        run
        for run in recorded.client.search_runs([recorded.result.mlflow.experiment_id])
        if run.data.tags.get("tuneyard.number") == "0"
    )
    recorded.client.log_metric(child.info.run_id, "val_loss", 0.6, step=1)
    curves = recorded.outcome().curves
    assert curves[curves["trial"] == 0]["epoch"].tolist() == [1, 2, 3]


def test_mlflow_that_is_away(recorded: Any, free_port: Any) -> None:
    result = recorded.result
    away = recorded.settings.model_copy(
        update={"tracking_uri": f"http://user:secret@127.0.0.1:{free_port()}"}
    )
    found = Outcome(result, away)
    assert len(found.trials) == 12, "the folder is in reach"
    with pytest.raises(SearchError, match=r"MLflow does not answer at http://user:\*\*\*@"):
        _ = found.curves
