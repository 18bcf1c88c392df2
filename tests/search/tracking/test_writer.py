"""The writer against a real MLflow: all that was asked for arrives, once, and nobody waits."""

import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow.artifacts
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.tracking import writer as mlflow_writer
from tuneyard.search.tracking.client import connect
from tuneyard.search.tracking.writer import MlflowWriter


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_writer, "FLUSH_SECONDS", 0.2)
    monkeypatch.setattr(mlflow_writer, "MAX_WAIT_SECONDS", 0.5)


@pytest.fixture(params=["sqlite", "http"])
def client(request: pytest.FixtureRequest) -> MlflowClient:
    """The local store, and the server."""
    if request.param == "sqlite":
        client: MlflowClient = request.getfixturevalue("store")
        return client
    return connect(request.getfixturevalue("mlflow_server").uri)


@pytest.fixture
def folder(tmp_path: Path) -> SearchFolder:
    """The folder of a search, with one checkpoint."""
    folder = SearchFolder(tmp_path, "search")
    folder.write(f"{SAVED}/model.pt", "weights")
    return folder


SAVED = "checkpoints/00007/checkpoint_000000"


class Watched:
    """A client that counts what is asked of the real one, and can lose its answers.

    Attributes:
        calls: How often each method was called.
        lost: Methods whose next answer is lost, after MLflow has done what was asked.
    """

    def __init__(self, client: MlflowClient, *lost: str) -> None:
        self._client = client
        self.calls: Counter[str] = Counter()
        self.batches: list[tuple[str, int, int, int]] = []
        self.lost = list(lost)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if not callable(method):
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            answer = method(*args, **kwargs)
            if name == "log_batch":
                sizes = (len(kwargs[part]) for part in ("metrics", "params", "tags"))
                self.batches.append((args[0], *sizes))  # type: ignore[arg-type]
            if name in self.lost:
                self.lost.remove(name)
                raise ConnectionError(f"the answer to {name} is lost")
            return answer

        return call


def until(done: Callable[[], object]) -> None:
    """Waits for the writer's thread."""
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end, "the writer did nothing"
        time.sleep(0.02)


def experiment(client: MlflowClient) -> str:
    return client.create_experiment(f"tuneyard/{uuid.uuid4().hex}")


def runs(client: MlflowClient, experiment_id: str) -> dict[str, Run]:
    """Every run of an experiment by its name; no name comes twice."""
    found = client.search_runs([experiment_id], max_results=1000)
    named = {str(run.info.run_name): run for run in found}
    assert len(named) == len(found), sorted(str(run.info.run_name) for run in found)
    return named


def curve(client: MlflowClient, run: Run, name: str) -> list[tuple[int, float]]:
    history = client.get_metric_history(run.info.run_id, name)
    return sorted((metric.step, metric.value) for metric in history)


def test_everything_comes_out_as_told(
    client: MlflowClient, folder: SearchFolder, tmp_path: Path
) -> None:
    where = experiment(client)
    writer = MlflowWriter(client, where, folder)
    Path(folder.path, SAVED, "model.pt").write_bytes(b"\x00weights")
    writer.start(0, "first", {"tuneyard.number": "0"})
    writer.log(0, params={"optimizer.sgd.lr": "0.1", "batch_size": "none"})
    writer.log(0, metrics={"val_loss": {1: 0.5, 2: 0.25}}, tags={"tuneyard.state": "running"})
    writer.log(0, metrics={"val_loss": {3: float("inf"), 4: float("nan")}})
    writer.upload(0, folder, SAVED, "checkpoint")
    writer.upload(0, folder, SAVED, "notes")
    writer.log(0, tags={"tuneyard.state": "completed"})
    writer.end(0, "FINISHED")
    writer.start(1, "second", {})
    writer.end(1, "KILLED")
    writer.start(2, "third", {})
    writer.end(2, "FAILED")
    assert writer.flush(20) == 0
    found = runs(client, where)
    first = found["first"]
    assert {name: run.info.status for name, run in found.items()} == {
        "first": "FINISHED",
        "second": "KILLED",
        "third": "FAILED",
    }
    assert writer.run_id(0) == first.info.run_id
    assert first.data.params == {"optimizer.sgd.lr": "0.1", "batch_size": "none"}
    assert first.data.tags["tuneyard.number"] == "0"
    assert first.data.tags["tuneyard.state"] == "completed"
    points = curve(client, first, "val_loss")
    assert points[:2] == [(1, 0.5), (2, 0.25)]
    assert [step for step, _ in points] == [1, 2, 3, 4]
    assert (first.info.end_time or 0) >= first.info.start_time
    listed = {file.path for file in client.list_artifacts(first.info.run_id)}
    assert listed == {"checkpoint", "notes"}
    copy = mlflow.artifacts.download_artifacts(
        run_id=first.info.run_id,
        artifact_path="checkpoint/model.pt",
        dst_path=str(tmp_path),
        tracking_uri=client.tracking_uri,
    )
    assert Path(copy).read_bytes() == b"\x00weights"


def test_remove_takes_the_artifacts_then_what_waited_for_that(
    client: MlflowClient, folder: SearchFolder
) -> None:
    where = experiment(client)
    writer = MlflowWriter(client, where, folder)
    seen: list[list[str]] = []

    def then() -> None:
        run_id = str(writer.run_id(7))
        seen.append([file.path for file in client.list_artifacts(run_id)])
        folder.delete("checkpoints/00007")

    writer.start(7, "seventh", {})
    writer.upload(7, folder, SAVED, "checkpoint")
    writer.upload(7, folder, SAVED, "notes")
    writer.end(7, "FINISHED")
    writer.remove(7, "checkpoint", then)
    assert writer.flush(20) == 0
    run = runs(client, where)["seventh"]
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["notes"]
    assert seen == [["notes"]]
    assert folder.kept_trials() == []


def test_one_batch_a_run_a_flush(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch, folder: SearchFolder
) -> None:
    monkeypatch.setattr(mlflow_writer, "FLUSH_SECONDS", 60)  # the one flush is that of the end
    client = Watched(store)
    writer = MlflowWriter(client, experiment(store), folder)  # type: ignore[arg-type]
    for key in range(5):
        writer.start(key, f"run {key}", {"tuneyard.number": str(key)})
        writer.log(key, params={"lr": "0.1"})
        for epoch in range(50):
            writer.log(
                key, metrics={"val_loss": {epoch: 1 / (epoch + 1)}, "train_loss": {epoch: 1}}
            )
        writer.log(key, tags={"tuneyard.state": "completed"})
        writer.end(key, "FINISHED")
    assert writer.flush(20) == 0
    assert client.calls["log_batch"] == 5
    assert client.calls["create_run"] == client.calls["set_terminated"] == 5
    # a run is made with its tags
    assert {batch[1:] for batch in client.batches} == {(100, 1, 0)}


def test_a_run_with_nothing_new_costs_nothing(store: MlflowClient, folder: SearchFolder) -> None:
    client = Watched(store)
    writer = MlflowWriter(client, experiment(store), folder)  # type: ignore[arg-type]
    writer.start(0, "first", {})
    writer.log(0, params={"lr": "0.1"})
    until(lambda: client.calls["log_batch"])
    time.sleep(0.5)  # more than two flushes
    writer.log(0, metrics={"val_loss": {1: 0.5}})
    assert writer.flush(20) == 0
    assert [batch[1:] for batch in client.batches] == [(0, 1, 0), (1, 0, 0)]


def test_more_than_mlflow_takes_at_once(client: MlflowClient, folder: SearchFolder) -> None:
    where = experiment(client)
    writer = MlflowWriter(client, where, folder)
    writer.start(0, "large", {})
    params = {f"param.{number:03d}": str(number) for number in range(250)}
    points = {epoch: float(epoch) for epoch in range(1500)}
    writer.log(0, params=params, tags={f"tag{number}": "x" for number in range(90)})
    writer.log(0, metrics={"train_loss": points, "val_loss": points})
    writer.end(0, "FINISHED")
    assert writer.flush(30) == 0
    run = runs(client, where)["large"]
    assert run.data.params == params
    assert run.data.tags["tag89"] == "x"
    for name in ("train_loss", "val_loss"):
        assert curve(client, run, name) == list(points.items())
    assert run.info.status == "FINISHED"


def test_a_long_reason_is_cut_not_refused(client: MlflowClient, folder: SearchFolder) -> None:
    where = experiment(client)
    writer = MlflowWriter(client, where, folder)
    writer.start(0, "failed", {})
    writer.log(0, tags={"tuneyard.reason": "ValueError: " + "x" * 50_000})
    writer.end(0, "FAILED")
    assert writer.flush(5) == 0
    reason = runs(client, where)["failed"].data.tags["tuneyard.reason"]
    assert reason.startswith("ValueError: xxx")


@pytest.mark.parametrize("method", ["create_run", "log_batch", "set_terminated", "log_artifacts"])
def test_a_lost_answer_repeats_nothing(
    store: MlflowClient, folder: SearchFolder, method: str
) -> None:
    client, where = Watched(store, method), experiment(store)
    writer = MlflowWriter(client, where, folder)  # type: ignore[arg-type]
    for key in range(3):
        writer.start(key, f"run {key}", {"mlflow.parentRunId": "p", "tuneyard.number": str(key)})
        writer.log(key, params={"lr": "0.1"}, metrics={"val_loss": {1: 0.5, 2: 0.4}})
        writer.upload(key, folder, SAVED, "checkpoint")
        writer.end(key, "FINISHED")
    assert writer.flush(20) == 0
    assert client.lost == []
    found = runs(store, where)
    assert sorted(found) == ["run 0", "run 1", "run 2"]
    for key in range(3):
        run = found[f"run {key}"]
        assert writer.run_id(key) == run.info.run_id
        assert run.data.tags["tuneyard.number"] == str(key)
        assert run.data.params == {"lr": "0.1"}
        assert curve(store, run, "val_loss") == [(1, 0.5), (2, 0.4)]
        assert run.info.status == "FINISHED"
        assert [file.path for file in store.list_artifacts(run.info.run_id)] == ["checkpoint"]


def test_a_run_that_mlflow_refuses_does_not_hold_up_the_others(
    store: MlflowClient, folder: SearchFolder
) -> None:
    where = experiment(store)
    writer = MlflowWriter(store, where, folder)
    writer.start(0, "deleted by a person", {})
    until(lambda: writer.run_id(0))
    store.delete_run(str(writer.run_id(0)))
    for key in range(5):
        if key:
            writer.start(key, f"run {key}", {})
        writer.log(key, params={"lr": "0.1"}, metrics={"val_loss": {1: 0.5}})
        writer.end(key, "FINISHED")
    assert writer.flush(1) == 1
    found = runs(store, where)
    assert sorted(found) == ["run 1", "run 2", "run 3", "run 4"]
    assert all(run.info.status == "FINISHED" for run in found.values())
    assert all(run.data.metrics == {"val_loss": 0.5} for run in found.values())


def test_a_server_that_stays_away_holds_nobody_up(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, folder: SearchFolder
) -> None:
    caplog.set_level("WARNING")
    # as `connect` sets it: MLflow's own default is many, each later than the one before
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    writer = MlflowWriter(MlflowClient("http://127.0.0.1:9"), "1", folder)  # the port of "discard"
    asked = time.monotonic()
    writer.start(-1, "search", {}, run_id="0" * 32)
    for key in range(3):
        writer.start(key, f"run {key}", {})
        writer.log(key, params={"lr": "0.1"}, metrics={"val_loss": {1: 0.5}})
        writer.end(key, "FINISHED")
    assert time.monotonic() - asked < 1
    # the parent run was there before, and nothing was logged on it
    assert writer.flush(give_up_after=1) == 3
    assert time.monotonic() - asked < 8
    assert writer.run_id(0) is None
    said = [record.message for record in caplog.records if "MLflow" in record.message]
    assert len(said) == 1
    assert said[0].startswith("MLflow does not answer, trying again: ")


def test_a_server_killed_in_mid_search(
    mlflow_server: Any, caplog: pytest.LogCaptureFixture, folder: SearchFolder
) -> None:
    caplog.set_level("WARNING")
    client = connect(mlflow_server.uri)
    where = experiment(client)
    writer = MlflowWriter(client, where, folder)

    def trial(key: int, epochs: range) -> None:
        writer.log(key, metrics={"val_loss": {epoch: 1 / epoch for epoch in epochs}})

    for key in range(4):
        writer.start(key, f"run {key}", {"tuneyard.number": str(key)})
        writer.log(key, params={"lr": str(key)})
        trial(key, range(1, 50))
    until(lambda: writer.run_id(3))
    mlflow_server.kill()
    try:
        for key in range(8):
            if key >= 4:
                writer.start(key, f"run {key}", {"tuneyard.number": str(key)})
                writer.log(key, params={"lr": str(key)})
                trial(key, range(1, 50))
            trial(key, range(50, 100))
            writer.upload(key, folder, SAVED, "checkpoint")
            writer.end(key, "FINISHED")
        time.sleep(0.5)
    finally:
        mlflow_server.start()
    assert writer.flush(give_up_after=60) == 0
    found = runs(client, where)
    assert sorted(found) == [f"run {key}" for key in range(8)]
    for key in range(8):
        run = found[f"run {key}"]
        assert writer.run_id(key) == run.info.run_id
        assert run.data.params == {"lr": str(key)}
        assert curve(client, run, "val_loss") == [(epoch, 1 / epoch) for epoch in range(1, 100)]
        assert run.info.status == "FINISHED"
        assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["checkpoint"]
    said = [record.message for record in caplog.records if record.name.endswith("tracking.writer")]
    assert said[0].startswith("MLflow does not answer, trying again: ")
    assert said[-1] == "MLflow answers again"
