"""A person's own models, outside this repository: searched, killed, resumed, pruned, registered.

Each is an example, copied to a folder of its own and searched by the installed command.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from optuna.exceptions import OptunaError
from uv import find_uv_bin

from tuneyard.search import SearchResult, Settings

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TRIALS = 9
RAY = """
import sys
import ray
ray.init(address="local", num_cpus=2, include_dashboard=False)
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
ray.shutdown()
"""
TOKEN = {"RAY_AUTH_MODE": "token"}
"""Who joins a Ray says that it wants a token, which lies in the home folder."""


class Own(NamedTuple):
    """An example, and how it is searched.

    Attributes:
        task: The name of its task.
        arguments: Of `tuneyard search`.
        files: What is copied to the folder that it is searched in.
        here: Options of `tuneyard search` and of `tuneyard resume`.
        tested: Whether it has `test`.
    """

    task: str
    arguments: tuple[str, ...]
    files: tuple[str, ...]
    here: tuple[str, ...] = ()
    tested: bool = True


OWN = {
    "a tabular script with argparse": Own(
        "tabular_task", ("tabular_task.py", "--set", "epochs=100"), ("tabular_task.py",)
    ),
    "torchvision on pictures": Own(
        "pictures_task",
        ("pictures_task.py", "--set", "network=shufflenet_v2_x0_5"),
        ("pictures_task.py",),
        here=("--data-dir", "pictures"),
    ),
    "a loop with two optimizers": Own("gan_task", ("gan_task.py",), ("gan_task.py",)),
    "an estimator of scikit-learn": Own("forest_task", ("forest_task.py",), ("forest_task.py",)),
    "a Lightning module": Own("lightning_task", ("lightning_task.py",), ("lightning_task.py",)),
    "a shell command": Own(
        "quadratic",
        ("--command", "sh quadratic.sh {lr} {momentum}", "--space", "quadratic.yaml"),
        ("quadratic.sh", "quadratic.yaml"),
        tested=False,
    ),
    "two tasks in one file, with a helper": Own(
        "two_tasks-Deep",
        ("two_tasks.py:Deep", "--set", "epochs=400"),
        ("two_tasks.py", "two_tasks_data.py"),
    ),
    "a package with an entry point": Own("circles", ("circles", "--set", "epochs=100"), ()),
}


@pytest.fixture(scope="module")
def tuneyard(
    environment: Path, outside: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The installed command; the example of a package is installed beside it."""
    source = tmp_path_factory.mktemp("package") / "source"
    shutil.copytree(EXAMPLES / "package", source)  # setuptools leaves its files there
    install = (find_uv_bin(), "pip", "install", "--no-deps", "--no-build-isolation")
    outside(*install, "--python", environment / "bin/python", source, cwd=source)
    return environment / "bin/tuneyard"


@pytest.fixture(scope="module")
def address(
    environment: Path, own_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """One Ray of the installed environment for all: each command would take a while for its own."""
    with subprocess.Popen(
        [environment / "bin/python", "-c", RAY],
        cwd=tmp_path_factory.mktemp("ray"),
        env=own_environment | TOKEN,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as ray:
        assert ray.stdout is not None
        yield ray.stdout.readline().strip()


class Command:
    """The command in a folder, as a process group that can be killed."""

    def __init__(
        self, program: Path, folder: Path, environment: dict[str, str], address: str
    ) -> None:
        self._program, self.folder = program, folder
        self._environment = environment | TOKEN
        self._here = ("--address", address)

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        with (self.folder / "stderr").open("w") as stderr:
            return subprocess.Popen(
                [self._program, *arguments, *self._here],
                cwd=self.folder,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )

    def said(self) -> str:
        return (self.folder / "stderr").read_text()[-4000:]

    def run(self, *arguments: str) -> dict[str, Any]:
        """What it prints as JSON; it succeeds."""
        process = self._start(*arguments, "--json")
        stdout, _ = process.communicate(timeout=600)
        assert process.returncode == 0, self.said()
        found: dict[str, Any] = json.loads(stdout)
        return found

    def run_and_kill(self, ready: Callable[[], bool], *arguments: str) -> None:
        """Kills it and its process group as soon as that is so."""
        process = self._start(*arguments)
        end = time.monotonic() + 600
        try:
            while process.poll() is None and not ready():
                assert time.monotonic() < end, self.said()
                time.sleep(0.02)
            assert process.poll() is None, self.said()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_it_is_killed_resumed_pruned_and_registered(
    own: Own,
    tuneyard: Path,
    own_environment: dict[str, str],
    address: str,
    tmp_path: Path,
    mlflow_database: Path,
    pictures: Path,
    records: Any,
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copy(mlflow_database, folder / "mlflow.db")
    (folder / "pictures").symlink_to(pictures)
    for name in own.files:
        if not (EXAMPLES / name).exists():
            pytest.skip(f"examples/{name} is not there")
        shutil.copy(EXAMPLES / name, folder)
    storage, uri = folder / "tuneyard-searches", f"sqlite:///{folder / 'mlflow.db'}"
    left = records(Settings(storage=storage, tracking_uri=uri), "own")
    command = Command(tuneyard, folder, own_environment, address)

    budget = ("--trials", str(TRIALS), "--name", "own")
    command.run_and_kill(
        lambda: is_in_the_middle(left), "search", *own.arguments, *own.here, *budget
    )
    before = ended(left)
    assert 2 <= len(before) < TRIALS

    result = SearchResult.model_validate(command.run("resume", "own", *own.here))
    assert (result.task, result.state, result.trials["total"]) == (own.task, "completed", TRIALS)
    assert result.trials["pruned"] >= 1
    assert result.trials["failed"] == 0
    left.check(result)
    assert ended(left).items() >= before.items(), "a trial that had ended is as it was"
    check_table(storage / "own" / "trials.csv", result)
    check_champion(left, result, own)


def ended(left: Any) -> dict[int, tuple[Any, ...]]:
    """How each trial ended, by number."""
    return {
        number: (trial.user_attrs["state"], trial.user_attrs["value"], trial.datetime_complete)
        for number, trial in left.trials.items()
    }


def is_in_the_middle(left: Any) -> bool:
    """Whether two trials or more have ended, and another one was begun."""
    proposed = len(list(Path(left.folder.path, "trials").glob("*.json")))
    try:
        return proposed > 2 and 2 <= len(ended(left)) < proposed
    # it is being written
    except (OptunaError, KeyError, ValueError, OSError):
        return False


def check_table(path: Path, result: SearchResult) -> None:
    """Each trial has one row, and rows and result count the same."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["number"]) for row in rows] == list(range(TRIALS))
    states = Counter(row["state"] for row in rows)
    counted = {state: count for state, count in result.trials.items() if state != "total"}
    assert {state: states[state] for state in counted} == counted


def check_champion(left: Any, result: SearchResult, own: Own) -> None:
    """The best trial's model is registered, and it was tested."""
    assert result.best is not None
    version = left.client.get_model_version_by_alias(f"tuneyard-{own.task}", "champion")
    assert version.run_id == result.best.mlflow_run_id
    if own.tested:
        assert result.best.test
        run = left.client.get_run(version.run_id)
        tested = {name: run.data.metrics[name] for name in result.best.test}
        assert tested == result.best.test
