"""What a resumed search writes of the trials of its earlier runs, in a real MLflow."""

import json
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

from tuneyard.search.storage.trial_files import EndedTrial
from tuneyard.search.tracking.recorder import PARENT
from tuneyard.search.tracking.runs import ChildRun, find_children, has_end
from tuneyard.search.trials import clock as clock_module
from tuneyard.search.trials.record import Params, State, TrialRecord

PARAMS: Params = {"optimizer.kind": "sgd", "optimizer.sgd.lr": 0.1, "on": True}


@pytest.fixture
def search(record_search: Any) -> Any:
    """A search whose driver died: two trials ended, two did not."""
    search = record_search(trials=8)
    for number, losses in enumerate([[0.9, 0.5], [0.6], [0.8, 0.7, 0.4], [0.3]]):
        search.train(search.start(number, PARAMS | {"seed": number}), losses)
    search.records = [
        TrialRecord(number, PARAMS | {"seed": number}, **ended)
        for number, ended in enumerate(
            [
                {"state": "completed", "epoch": 2, "value": 0.5, "best_epoch": 2},
                {"state": "pruned", "reason": "scheduler", "epoch": 1, "value": 0.6},
            ]
        )
    ]
    search.records[0].checkpoint = "checkpoints/00000/checkpoint_000000"
    for record in search.records:
        search.recorder.ended(record)
    search.flush()
    return search


def known(search: Any) -> dict[int, ChildRun]:
    """The children as a resume finds them."""
    return {
        number: ChildRun(run.info.run_id, ended=has_end(run))
        for number, run in find_children(search.client, search.run).items()
    }


def standing(search: Any) -> dict[str, Any]:
    """What the parent's tags say."""
    tags = search.client.get_run(search.run.run_id).data.tags
    values = {name: tags.get(f"tuneyard.{name}") for name in ("baseline", "best", "eta")}
    return values | {"trials": json.loads(tags["tuneyard.trials"])}


def counts(total: int, **states: int) -> dict[str, int]:
    names = ("running", "completed", "early_stopped", "pruned", "diverged", "out_of_memory")
    return {"total": total} | {name: states.get(name, 0) for name in (*names, "failed")}


def test_the_parent_tells_how_the_search_stands(
    record_search: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = record_search(trials=6)
    search.flush()
    now = 1000.0
    monkeypatch.setattr(clock_module, "time", SimpleNamespace(monotonic=lambda: now))
    search.go_on({})
    for number, (value, state, saved) in enumerate(
        [(0.5, "completed", True), (0.1, "diverged", False), (0.4, "early_stopped", True)]
    ):
        record = search.start(number, PARAMS)
        search.train(record, [value])
        now += 10
        search.end(record, state, saved)
    search.start(3, PARAMS)
    search.flush()
    found = standing(search)
    assert found["trials"] == counts(4, running=1, completed=1, diverged=1, early_stopped=1)
    assert (found["baseline"], found["best"]) == ("0.5", "0.4")
    assert found["eta"] == "30.0", "three trials took ten seconds each, and three are left"


def test_what_is_closed_is_counted_and_not_touched(search: Any, store: MlflowClient) -> None:
    before = {number: store.get_run(child.run_id) for number, child in known(search).items()}
    search.go_on(known(search))
    for record in search.records:
        search.recorder.restored(record)
    search.flush()
    for number in (0, 1):
        after = search.trial(number)
        assert after.to_dictionary() == before[number].to_dictionary()
    assert standing(search)["trials"] == counts(2, completed=1, pruned=1)
    assert (standing(search)["baseline"], standing(search)["best"]) == ("0.5", "0.5")
    assert search.clock.ended == 0, "they were not ended in this run's time"


@pytest.mark.parametrize(
    ("state", "status"), [("completed", "FINISHED"), ("pruned", "KILLED"), ("failed", "FAILED")]
)
def test_a_run_that_is_still_open_is_closed_with_its_values(
    search: Any, state: State, status: str
) -> None:
    """MLflow was away, or behind, when the driver died: the search's folder has all epochs."""
    children = known(search)
    assert not children[2].ended
    search.go_on(children)
    record = TrialRecord(2, PARAMS | {"seed": 2}, state=state, reason="why", node="node-a")
    record.epoch, record.value, record.best_epoch = 5, 0.35, 4
    losses = [0.8, 0.7, 0.4, 0.35, 0.5]
    search.files.keep(EndedTrial(record, {"val_loss": losses}, {}))
    if state != "failed":
        record.checkpoint = "checkpoints/00002/checkpoint_000000"
    search.recorder.restored(record)
    search.flush()
    run = search.trial(2)
    assert run.info.run_id == children[2].run_id
    assert run.info.status == status
    tags = {name: value for name, value in run.data.tags.items() if name.startswith("tuneyard.")}
    assert tags.pop("tuneyard.eligible") == ("false" if state == "failed" else "true")
    assert tags == {
        "tuneyard.search": "my-search",
        "tuneyard.number": "2",
        "tuneyard.state": state,
        "tuneyard.reason": "why",
        "tuneyard.node": "node-a",
        "tuneyard.value": "0.35",
        "tuneyard.best_epoch": "4",
    }
    assert search.curve(run, "val_loss") == list(enumerate(losses, 1))
    assert search.curve(run, "best_val_loss") == [(4, 0.35)]
    assert len(known(search)) == 4


def test_a_run_that_is_missing_is_made(search: Any) -> None:
    search.go_on(known(search))
    record = TrialRecord(4, PARAMS, state="early_stopped", reason="early_stopped", value=0.2)
    search.recorder.restored(record)
    search.flush()
    run = search.trial(4)
    assert run.info.run_name == "my-search-00004"
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.parentRunId"] == search.run.run_id
    assert run.data.tags["tuneyard.state"] == "early_stopped"
    assert run.data.tags["tuneyard.value"] == "0.2"
    assert run.data.params["optimizer.sgd.lr"] == "0.1"
    assert sorted(known(search)) == [0, 1, 2, 3, 4]
    assert search.clock.ended == 0


def again(number: int, **values: Any) -> TrialRecord:
    """A trial that had not ended, which runs again."""
    params = PARAMS | {"seed": number}
    return TrialRecord(number, params, current=params, **values)


def test_a_trial_that_goes_on_keeps_its_run(search: Any) -> None:
    children = known(search)
    search.go_on(children)
    for record in search.records:
        search.recorder.restored(record)
    record = again(2, continues=True)
    search.recorder.started(record)
    # it tells once more what it had trained before
    search.train(record, [0.8, 0.7, 0.4, 0.35, 0.38])
    search.end(record)
    search.flush()
    run = search.trial(2)
    assert run.info.run_id == children[2].run_id
    assert run.info.status == "FINISHED"
    assert search.curve(run, "val_loss") == [(1, 0.8), (2, 0.7), (3, 0.4), (4, 0.35), (5, 0.38)]
    assert sorted(known(search)) == [0, 1, 2, 3]
    assert standing(search)["trials"] == counts(3, completed=2, pruned=1)
    parent = search.client.get_run(search.run.run_id)
    # the third end of the search, not the first
    assert search.curve(parent, "best_val_loss")[-1] == (3, 0.35)
    assert search.recorder.writer.run_id(PARENT) == search.run.run_id


@pytest.mark.parametrize("may_delete", [True, False])
def test_a_trial_that_starts_anew_has_a_new_run(
    search: Any, monkeypatch: pytest.MonkeyPatch, may_delete: bool
) -> None:
    """It may end earlier; who may not delete runs has the epochs of both attempts in one."""
    children = known(search)
    if not may_delete:
        refused = MlflowException("Permission denied", PERMISSION_DENIED)
        monkeypatch.setattr(search.client, "delete_run", Mock(side_effect=refused))
    search.go_on(children)
    record = again(2)
    search.recorder.started(record)
    search.train(record, [0.8, 0.7])
    search.end(record, "pruned", saved=False)
    search.flush()
    run, before = search.trial(2), search.client.get_run(children[2].run_id)
    assert (run.info.run_id != before.info.run_id) is may_delete
    assert (before.info.lifecycle_stage == "deleted") is may_delete
    assert (run.info.status, run.data.tags["tuneyard.state"]) == ("KILLED", "pruned")
    curve = [(1, 0.8), (2, 0.7), (3, 0.4)]
    assert search.curve(run, "val_loss") == curve[: 2 if may_delete else 3]
    assert sorted(known(search)) == [0, 1, 2, 3]


def test_an_end_that_the_study_had_not_heard_of_is_taken_back(search: Any) -> None:
    children = known(search)
    assert children[1].ended
    search.go_on(children)
    record = again(1, continues=True)
    search.recorder.started(record)
    search.flush()
    run: Run = search.trial(1)
    assert (run.info.status, run.data.tags["tuneyard.state"]) == ("RUNNING", "running")
    search.go_on(known(search))
    search.recorder.started(record)
    search.train(record, [0.6, 0.55])
    search.end(record)
    search.flush()
    run = search.trial(1)
    assert (run.info.status, run.data.tags["tuneyard.state"]) == ("FINISHED", "completed")
    assert search.curve(run, "val_loss") == [(1, 0.6), (2, 0.55)]
