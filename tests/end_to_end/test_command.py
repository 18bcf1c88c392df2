"""The command `tuneyard search` as a process: its output, its exit code, and Ctrl+C."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from mlflow import MlflowClient

from tuneyard.search import Settings
from tuneyard.search.cli.main import main
from tuneyard.search.tracking.client import connect

TUNEYARD = Path(sys.executable).with_name("tuneyard")
SMALL = ("--set", "epochs=3", "--trials", "3")


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A process of its own: it imports everything, and starts its Ray."""
    return subprocess.run(
        [TUNEYARD, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


class Done(NamedTuple):
    returncode: object
    stdout: str
    stderr: str


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The command in this process, on the tests' Ray where it needs one."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["tuneyard", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(ended.value.code or 0, *capfd.readouterr())

    return run


def test_a_search_as_json_then_best_then_the_same_name(
    tmp_path: Path, here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = command("search", "airplane-lstm", *SMALL, "--name", "one", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["search"] == "one"
    assert result["state"] == "completed"
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert result["mlflow"]["tracking_uri"] == store
    assert "Traceback" not in done.stderr

    # a plain `mlflow ui` in this folder shows the default store: that is where it all is
    assert (tmp_path / "mlflow.db").exists()
    best = command("best", "one", "--json", cwd=tmp_path)
    assert best.returncode == 0, best.stderr
    assert {**json.loads(best.stdout), "wall_s": 0} == {**result, "wall_s": 0}

    monkeypatch.chdir(tmp_path)
    best = here("best", "airplane-lstm", "--json", "--tracking-uri", store)
    assert {**json.loads(best.stdout), "wall_s": 0} == {**result, "wall_s": 0}
    table = here("best", "one", "--tracking-uri", store).stdout
    assert "baseline" in table
    assert "test_rmse" in table
    assert result["mlflow"]["run_id"] in table

    before = sorted(tmp_path.rglob("*"))
    again = here("search", "airplane-lstm", "--name", "one", "--tracking-uri", store)
    assert again.returncode == 2
    # on a busy machine, a line may say what has been waited for
    assert "another --name" in again.stderr.splitlines()[-1]
    assert sorted(tmp_path.rglob("*")) == before


def test_ctrl_c_closes_everything(tmp_path: Path, mlflow_database: Path) -> None:
    shutil.copy(mlflow_database, tmp_path / "mlflow.db")
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


@pytest.mark.usefixtures("local_ray")
def test_what_cannot_be_had_costs_one_line(
    tmp_path: Path, here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    refused = here("search", "airplane-lstm", "--cpus-per-trial", "4096", "--tracking-uri", store)
    assert refused.returncode == 2
    assert refused.stdout == ""
    last = refused.stderr.splitlines()[-1]
    assert last.startswith("tuneyard: cpus_per_trial must be at most ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("local_ray")
def test_no_trial_succeeds(settings: Settings, here: Callable[..., Done]) -> None:
    """On a cluster that says it has a GPU, where torch finds none."""
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU that torch can use")
    failed = here(
        *("search", "airplane-lstm", "--trials", "1", "--set", "epochs=2", "--json"),
        *("--gpus-per-trial", "1", "--tracking-uri", str(settings.tracking_uri)),
    )
    assert failed.returncode == 1, failed.stderr
    assert json.loads(failed.stdout)["best"] is None
    assert "torch can't use it" in failed.stderr


def test_the_ui_shows_the_search(
    tmp_path: Path, mlflow_database: Path, free_port: Callable[[], int]
) -> None:
    shutil.copy(mlflow_database, tmp_path / "mlflow.db")
    port = free_port()
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
