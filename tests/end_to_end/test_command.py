"""The command `tuneyard search` as a process: its output, its exit code, and Ctrl+C."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import ray
import torch
from mlflow import MlflowClient

from tuneyard.search.mlflow_client import connect

TUNEYARD = Path(sys.executable).with_name("tuneyard")
SMALL = ("--set", "epochs=3", "--trials", "3")


def command(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TUNEYARD, *arguments],
        cwd=cwd,
        env=os.environ | more,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_a_search_as_json_then_best_then_the_same_name(tmp_path: Path) -> None:
    done = command("search", "airplane-lstm", *SMALL, "--name", "one", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["search"] == "one"
    assert result["state"] == "completed"
    assert result["mlflow"]["tracking_uri"] == f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert "Traceback" not in done.stderr

    # a plain `mlflow ui` in this folder shows the default store: that is where it all is
    assert (tmp_path / "mlflow.db").exists()

    for name in ("one", "airplane-lstm"):
        best = command("best", name, "--json", cwd=tmp_path)
        assert best.returncode == 0, best.stderr
        read = json.loads(best.stdout)
        assert {**read, "wall_s": 0} == {**result, "wall_s": 0}

    table = command("best", "one", cwd=tmp_path).stdout
    assert "baseline" in table
    assert "test_rmse" in table
    assert result["mlflow"]["run_id"] in table

    before = sorted(tmp_path.rglob("*"))
    again = command("search", "airplane-lstm", *SMALL, "--name", "one", cwd=tmp_path)
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1
    assert "another --name" in again.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_ctrl_c_closes_everything(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            *(TUNEYARD, "search", "airplane-lstm", "--name", "cut", "--json"),
            *("--trials", "500", "--set", "epochs=100"),
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    journal = tmp_path / "tuneyard-searches" / "cut" / "study.journal"
    until = time.monotonic() + 90
    while time.monotonic() < until:
        # three finished trials are in the mirrored study
        if journal.exists() and len(re.findall(r'"op_code": ?4\b', journal.read_text())) >= 3:
            break
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=90)

    assert process.returncode == 0, err
    result = json.loads(out)
    assert result["state"] == "stopped"
    assert 0 < result["trials"]["total"] < 500
    assert result["best"] is not None
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    runs = client.search_runs([result["mlflow"]["experiment_id"]], max_results=1000)
    assert len(runs) == result["trials"]["total"] + 1
    assert not [run for run in runs if run.info.status == "RUNNING"]
    assert client.get_run(result["mlflow"]["run_id"]).info.status == "KILLED"
    reasons = {run.data.tags.get("tuneyard.reason") for run in runs}
    assert "interrupt" in reasons


def test_what_cannot_be_had_costs_one_line(tmp_path: Path) -> None:
    refused = command("search", "airplane-lstm", "--cpus-per-trial", "4096", cwd=tmp_path)
    assert refused.returncode == 2
    assert re.fullmatch(r"tuneyard: cpus_per_trial must be at most .*\n", refused.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("local_ray")
def test_no_trial_succeeds(tmp_path: Path) -> None:
    """On a cluster that says it has a GPU, where torch finds none."""
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU that torch can use")
    failed = command(
        *("search", "airplane-lstm", "--trials", "1", "--set", "epochs=2", "--json"),
        *("--gpus-per-trial", "1", "--address", ray.get_runtime_context().gcs_address),
        cwd=tmp_path,
    )
    assert failed.returncode == 1, failed.stderr
    assert json.loads(failed.stdout)["best"] is None
    assert "torch can't use it" in failed.stderr


def test_the_ui_shows_the_search(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    connect(f"sqlite:///{tmp_path / 'mlflow.db'}").create_experiment("tuneyard/airplane-lstm")
    process = subprocess.Popen([TUNEYARD, "ui", "--port", str(port)], cwd=tmp_path)
    try:
        page = wait_for(f"http://127.0.0.1:{port}/")
        assert "<title>MLflow</title>" in page
        found = wait_for(
            f"http://127.0.0.1:{port}/ajax-api/2.0/mlflow/experiments/"
            "get-by-name?experiment_name=tuneyard/airplane-lstm"
        )
        assert "tuneyard/airplane-lstm" in found
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def wait_for(url: str) -> str:
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read().decode()
        except urllib.error.URLError:
            assert time.monotonic() < until, f"nothing answers at {url}"
            time.sleep(0.3)
