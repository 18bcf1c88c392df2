"""A user's function whose driver is killed: its trials go on to the very same curves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import ray
import torch

from tuneyard.search.api import resume
from tuneyard.search.spec.settings import Settings
from tuneyard.search.storage.folder import CHECKPOINTS, SearchFolder
from tuneyard.spaces.registry import open_file
from tuneyard.trainables.find import find_searchable

EPOCHS = 9
FILE = f"""
import time
from typing import Annotated

import torch
from torch import nn

from tuneyard.spaces import Float, SearchSpace


class Space(SearchSpace):
    "A rate."
    lr: Annotated[float, Float(0.001, 0.1, log=True)] = 0.01


objective = "min loss"


def train(config, trial):
    model = nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.3), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr)
    trial.keep(model=model, optimizer=optimizer)
    for _ in trial.epochs({EPOCHS}):
        rows = torch.randn(32, 4)
        loss = ((model(rows) - rows.sum(1, keepdim=True)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        time.sleep(0.1)
        trial.report(loss=loss)
"""
TRIALS = 6


@pytest.mark.usefixtures("local_ray")
def test_a_killed_search_of_it_gives_the_curves_of_an_uncut_one(
    settings: Settings, records: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "killed_task.py"
    file.write_text(FILE)
    folder = SearchFolder(settings.storage, "cut")
    driver = _start(settings, file)
    try:
        _wait(driver, lambda: any(Path(folder.path).glob(f"{CHECKPOINTS}/*/checkpoint_*/state.pt")))
    finally:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()

    went_on: list[int] = []
    real = SearchFolder.set_aside

    def set_aside(self: SearchFolder, number: int) -> str | None:
        earlier = real(self, number)
        went_on.extend([number] if earlier else [])
        return earlier

    monkeypatch.setattr(SearchFolder, "set_aside", set_aside)
    result = resume("cut", settings)
    assert (result.state, result.trials["total"]) == ("completed", TRIALS)
    assert went_on, "a trial goes on from its checkpoint"

    left = records(settings, "cut")
    task = find_searchable(open_file(str(file)).name)
    last = {}
    for run in left.children:
        history = left.client.get_metric_history(run.info.run_id, "loss")
        curve = {point.step: point.value for point in history}
        assert len(curve) == len(history), "no epoch comes twice"
        uncut = _uncut(task, float(run.data.params["lr"]))
        assert curve == {epoch: uncut[epoch] for epoch in range(1, max(curve) + 1)}
        last[int(run.data.tags["tuneyard.number"])] = max(curve)
    assert len(last) == TRIALS
    assert {last[number] for number in went_on} == {EPOCHS}


def _start(settings: Settings, file: Path) -> subprocess.Popen[bytes]:
    """The command in a process group of its own, on the tests' Ray."""
    address = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-m", "tuneyard.search.cli", "search", str(file), "--name", "cut"]
    command += ["--trials", str(TRIALS), "--scheduler", "hyperband", "--address", address]
    command += ["--storage", str(settings.storage), "--tracking-uri", str(settings.tracking_uri)]
    return subprocess.Popen(command, start_new_session=True)


def _wait(driver: subprocess.Popen[bytes], until: Any) -> None:
    end = time.monotonic() + 180
    while not until():
        assert driver.poll() is None, f"the driver ended with {driver.returncode}"
        assert time.monotonic() < end
        time.sleep(0.05)


def _uncut(task: Any, lr: float) -> dict[int, float]:
    """The curve of a training that was never interrupted, by epoch."""
    config = task.description.space(lr=lr)
    data = task.load(None, None)
    training = task.start(config, (data,), seed=0, device=torch.device("cpu"))
    try:
        return {epoch: training.run_epoch()["loss"] for epoch in range(1, EPOCHS + 1)}
    finally:
        training.close()
