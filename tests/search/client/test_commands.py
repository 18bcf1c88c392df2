"""The commands that ask a cluster's service: what they send, and what they print."""

import json
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tuneyard.search.cli.main import app
from tuneyard.search.client.tables import duration, mlflow_page, status_line
from tuneyard.search.errors import SearchError
from tuneyard.search.results.status import SearchStatus
from tuneyard.search.spec.budget import Budget
from tuneyard.search.spec.search import SearchSpec

RESULT: dict[str, Any] = {
    "search": "mine",
    "task": "diabetes",
    "state": "completed",
    "objective": {"metric": "val_loss", "mode": "min"},
    "trials": {"total": 4, "completed": 3, "failed": 1},
    "baseline": {"value": 0.5, "config": {"epochs": 3}},
    "best": {
        "value": 0.4,
        "config": {"epochs": 5},
        "epoch": 4,
        "mlflow_run_id": "abc",
        "test": {"test_loss": 0.45},
    },
    "mlflow": {"tracking_uri": "http://mlflow:5000", "experiment_id": "1", "run_id": "abc"},
    "wall_s": 80.0,
}


def run(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app, arguments)
    if isinstance(done.exception, Exception):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


# --- submit


def test_submit_sends_the_search(other: Any, told: Any, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("task: diabetes\ntrials: 9\nsampler: {kind: tpe, startup_trials: 5}\n")
    server = other(told.answer(told.status | {"state": "queued"}, "201 Created"))
    text = run(
        *("submit", str(file), "--trials", "20", "--time", "20m", "--name", "mine"),
        *("--set", "epochs=3", "--range", "dropout=0.1:0.2", "--gpus-per-trial", "auto"),
        *("--resource", "tpu=2", "--resource", "disk=0.5", "--cluster", server.address),
    ).stdout
    ((method, path, _, body),) = server.requests
    assert (method, path) == ("POST", "/searches")
    spec = SearchSpec.model_validate_json(body)
    assert spec.to_yaml().splitlines() == [
        *("task: diabetes", "name: mine", "trials: 20", "time: 1200.0", "sampler:", "  kind: tpe"),
        *("  startup_trials: 5", "space:", "  epochs: '3'", "  dropout:", "    low: 0.1"),
        *("    high: 0.2", "gpus_per_trial: auto", "resources_per_trial:"),
        *("  tpu: 2.0", "  disk: 0.5"),
    ]
    assert text.splitlines() == [
        "Search mine is queued",
        "",
        f"log:    tuneyard logs -f mine --cluster {server.address}",
        f"stop:   tuneyard stop mine --cluster {server.address}",
        f"all:    tuneyard jobs --cluster {server.address}",
        "MLflow: http://mlflow:5000/#/experiments/1/runs/abc",
    ]


def test_submit_as_json(other: Any, told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = other(told.answer(told.status, "201 Created"))
    monkeypatch.setenv("TUNEYARD_CLUSTER", server.address)
    monkeypatch.setenv("TUNEYARD_TOKEN", "word")
    done = run("submit", "diabetes", "--json")
    assert json.loads(done.stdout)["search"] == "mine"
    assert done.stderr == ""
    assert server.requests[0][2] == "Bearer word"


@pytest.mark.parametrize("as_json", [False, True])
def test_submit_follows_to_the_result(other: Any, told: Any, as_json: bool) -> None:
    server = other(
        told.answer(told.status | {"state": "queued"}, "201 Created"),
        told.stream(
            told.event("status", state="queued", best=None, trials={}, wall_s=None),
            *(told.event("status"), told.event("trial"), told.event("status", best=0.3)),
            told.event("end", state="completed", eta_s=0.0),
        ),
        told.answer(RESULT),
    )
    options = ["--json"] if as_json else []
    done = run("submit", "diabetes", "--follow", "--cluster", server.address, *options)
    counts = "3/50 trials · 1 running · 0 pruned · 1 failed"
    standing = "val_loss 0.4 vs 0.5 (-20.0 %) · 1 min elapsed"
    assert done.stderr.split("\n") == [
        "Search mine",
        "queued · 0/50 trials · 0 running · 0 pruned · 0 failed",
        f"running · {counts} · {standing}",
        "trial 1 failed: ValueError: no\u2028way",
        f"completed · {counts} · {standing} · 0 s remaining",
        "",
    ]
    assert [request[1] for request in server.requests] == [
        *("/searches", "/searches/mine/events", "/searches/mine/best")
    ]
    if as_json:
        assert json.loads(done.stdout) == RESULT
    else:
        assert "Search mine completed: 4 trials (3 completed, 1 failed)" in done.stdout


def test_a_search_without_a_best_trial_is_a_failure(other: Any, told: Any) -> None:
    for state, more in (("failed", ""), ("interrupted", "Go on with it: tuneyard resume mine")):
        server = other(
            told.answer(told.status, "201 Created"),
            told.stream(told.event("end", state=state, best=None)),
            told.refusal("404 Not Found", "no trial of search 'mine' has succeeded yet"),
        )
        options = ("--follow", "--json", "--cluster", server.address)
        done = run("submit", "diabetes", *options, code=1)
        assert json.loads(done.stdout)["state"] == state
        assert more in done.stderr
        assert done.stderr.endswith("\ntuneyard: no trial of search 'mine' has succeeded yet\n")


@pytest.mark.parametrize(
    ("state", "code"), [("completed", 0), ("stopped", 0), ("failed", 1), ("interrupted", 1)]
)
def test_a_search_that_ended_badly_is_a_failure_whatever_it_found(
    other: Any, told: Any, state: str, code: int
) -> None:
    server = other(
        told.answer(told.status, "201 Created"),
        told.stream(told.event("end", state=state, reason="the disk is full")),
        told.answer(RESULT | {"state": state}),
    )
    done = run("submit", "diabetes", "--follow", "--json", "--cluster", server.address, code=code)
    assert json.loads(done.stdout)["best"]["value"] == 0.4
    assert " · the disk is full\n" in done.stderr


def test_ctrl_c_leaves_the_search_running(other: Any, told: Any, tmp_path: Path) -> None:
    server = other(told.answer(told.status, "201 Created"), told.stream(told.event("status")), b"")
    options = ["--follow", "--cluster", server.address, "--token-file", "my token"]
    (tmp_path / "my token").write_text("word")
    with subprocess.Popen(
        [sys.executable, "-m", "tuneyard.search.cli", "submit", "diabetes", *options],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as client:
        assert client.stderr
        assert client.stdout
        assert client.stderr.readline() == "Search mine\n"
        assert client.stderr.readline().startswith("running · 3/50 trials")
        client.send_signal(signal.SIGINT)
        again = f"mine --cluster {server.address} --token-file 'my token'"
        assert client.stderr.read() == (
            f"mine goes on without you; follow it with: tuneyard logs -f {again}; stop it with: "
            f"tuneyard stop {again}\n"
        )
        assert client.stdout.read() == ""
    assert client.returncode == 130
    assert all("stop" not in request[1] for request in server.requests)


def test_a_wrong_search_is_never_sent(other: Any, told: Any) -> None:
    server = other(told.answer(told.status))
    for options, line in (
        (("--set", "drop=1"), "drop is not in DiabetesSpace; did you mean dropout?"),
        (("--resource", "tpu"), "--resource must read NAME=AMOUNT, got 'tpu'"),
        (
            ("--resource", "tpu=1", "--resource", "tpu=2"),
            "resource tpu is given twice; leave one of them out",
        ),
        (
            ("--resource", "gpu=1"),
            "resources_per_trial is for custom resources; give gpu as gpus_per_trial",
        ),
        (("--resource", "tpu=many"), "resources_per_trial.tpu should be a valid number"),
    ):
        with pytest.raises(SearchError) as caught:
            run("submit", "diabetes", "--cluster", server.address, *options)
        assert str(caught.value).startswith(line)
    assert server.requests == []


def test_submit_takes_what_search_takes() -> None:
    def options(command: str) -> set[str]:
        return set(re.findall(r"--[a-z-]+", run(command, "--help").stdout))

    here = {"--data-dir", "--address", "--storage", "--tracking-uri", "--detach"}
    there = {"--cluster", "--token-file", "--follow"}
    assert options("search") - here == options("submit") - there


# --- jobs, logs, stop


def test_jobs(other: Any, told: Any) -> None:
    young = datetime.now(UTC) - timedelta(hours=3)
    queued = told.status | {
        **{"search": "waits", "state": "queued", "trials": {}, "user": None},
        **{"baseline": None, "best": None, "created": young.isoformat()},
    }
    first = told.status | {"baseline": 0.0, "search": "zero", "created": young.isoformat()}
    page = {"searches": [queued, first], "next": None}
    server = other(told.answer(page))
    options = ("--task", "diabetes", "--state", "queued", "--limit", "7")
    text = run("jobs", *options, "--cluster", server.address).stdout
    assert server.requests[0][1] == "/searches?task=diabetes&state=queued&limit=7"
    assert [re.split("  +", line.rstrip()) for line in text.splitlines()] == [
        ["search", "task", "state", "trials", "best vs baseline", "user", "age"],
        ["waits", "diabetes", "queued", "0/50", "3 h"],
        ["zero", "diabetes", "running", "3/50", "val_loss 0.4 vs 0", "ada", "3 h"],
    ]
    found = json.loads(run("jobs", "--json", "--cluster", server.address).stdout)
    assert [one["search"] for one in found["searches"]] == ["waits", "zero"]


def test_logs(other: Any, told: Any) -> None:
    server = other(told.answer("epoch 1\nepoch 2 \u2713", kind="text/plain; charset=utf-8"))
    options = ("--cluster", server.address)
    assert run("logs", "mine", *options).stdout == "epoch 1\nepoch 2 \u2713"
    run("logs", "mine", "-f", *options)
    assert [request[1] for request in server.requests] == [
        *("/searches/mine/logs?follow=false", "/searches/mine/logs?follow=true")
    ]


@pytest.mark.parametrize(
    ("state", "line"),
    [("running", "Search mine closes its runs and ends"), ("stopped", "Search mine is stopped")],
)
def test_stop(other: Any, told: Any, state: str, line: str) -> None:
    server = other(told.answer(told.status | {"state": state}, "202 Accepted"))
    options = ("--cluster", server.address)
    assert run("stop", "mine", *options).stdout == f"{line}\n"
    assert json.loads(run("stop", "mine", "--json", *options).stdout)["state"] == state
    assert server.requests[0][:2] == ("POST", "/searches/mine/stop")


# --- resume


def test_resume_on_a_cluster(other: Any, told: Any) -> None:
    server = other(told.answer(told.status | {"state": "queued"}, "202 Accepted"))
    options = ("--cluster", server.address)
    assert "Search mine is queued" in run("resume", "mine", *options).stdout
    budget = ("--trials", "+100", "--time", "20m", "--target", "0.1")
    assert json.loads(run("resume", "mine", *budget, "--json", *options).stdout)["budget"] == 50
    run("resume", "mine", "--time", "20m", *options)
    (first, second, third) = server.requests
    assert first[:2] == ("POST", "/searches/mine/resume")
    assert first[3] == b""
    assert second[:2] == ("POST", "/searches/mine/extend")
    assert Budget.model_validate_json(second[3]) == Budget(trials="+100", time=1200, target=0.1)
    # what its time budget ended gets more time
    assert third[:2] == ("POST", "/searches/mine/extend")
    assert Budget.model_validate_json(third[3]) == Budget(time=1200)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ("--trials many", "trials must be a number, or one more with +100, got 'many'"),
        ("--trials +0", "trials must be a number, or one more with +100, got '+0'"),
        ("--time soon", "time must be seconds, or a time like 90s, 20m or 1h30m, got 'soon'"),
        ("--storage x", "--storage is for a search that runs here, and --cluster for one that "),
        ("--address auto", "--address is for a search that runs here, and --cluster for one "),
    ],
)
def test_a_resume_that_can_not_be(other: Any, told: Any, options: str, line: str) -> None:
    server = other(told.answer(told.status))
    with pytest.raises(SearchError) as caught:
        run("resume", "mine", "--cluster", server.address, *options.split())
    assert str(caught.value).startswith(line)
    assert server.requests == []


def test_a_place_that_is_typed_wins_over_the_cluster_of_the_environment(
    other: Any, told: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = other(told.answer(told.status))
    monkeypatch.setenv("TUNEYARD_CLUSTER", server.address)
    monkeypatch.setenv("TUNEYARD_STORAGE", str(tmp_path))
    run("resume", "mine")
    assert len(server.requests) == 1
    for options in (("--tracking-uri", f"sqlite:///{tmp_path}/no.db"), ("--cluster", "")):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SearchError, match="there is no MLflow store at sqlite:///"):
            run("resume", "mine", *options)
    assert len(server.requests) == 1


# --- what people read


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (59.4, "59 s"), (60, "1 min"), (3599, "59 min"), (7200, "2 h"), (200000, "2 d")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_line_of_status(told: Any) -> None:
    status = SearchStatus.model_validate(told.status | {"baseline": None, "eta_s": 4000.0})
    assert status_line(status) == (
        "running · 3/50 trials · 1 running · 0 pruned · 1 failed · val_loss 0.4 · 1 min elapsed · "
        "1 h remaining"
    )


def test_a_store_without_a_server_has_no_page(told: Any) -> None:
    place = told.status["mlflow"] | {"tracking_uri": "sqlite:///mlflow.db"}
    status = SearchStatus.model_validate(told.status | {"mlflow": place})
    assert mlflow_page(status) == "run abc in sqlite:///mlflow.db"
