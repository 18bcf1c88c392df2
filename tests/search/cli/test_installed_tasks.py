"""Tasks of installed packages, and of the folder that TUNEYARD_TASKS names, in processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FILE = '''
from typing import Annotated
from tuneyard.spaces import Float, SearchSpace

class Space(SearchSpace):
    """A task of another package."""
    lr: Annotated[float, Float(0.001, 1.0, log=True)] = 0.1

class Small:
    Space = Space
    objective = "min loss"
    def train(config, trial): ...

class Large(Small): ...
'''


def tuneyard(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tuneyard.search.cli", *arguments]
    return subprocess.run(
        command,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def install(folder: Path, entries: str) -> str:
    """An installed package, as its metadata and its module lie in site-packages."""
    (folder / "other_models.py").write_text(FILE)
    metadata = folder / "other_models-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: other-models\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[tuneyard.tasks]\n{entries}")
    return str(folder)


def test_a_package_registers_tasks(tmp_path: Path) -> None:
    entries = "other-small = other_models:Small\nother-large = other_models:Large\n"
    path = install(tmp_path, entries)
    listed = tuneyard("tasks", PYTHONPATH=path)
    assert listed.returncode == 0, listed.stderr
    (row,) = [line for line in listed.stdout.splitlines() if line.startswith("other-small")]
    assert row.split("  ")[-1].split() == ["other-models"]
    assert "A task of another package." in row
    names = json.loads(tuneyard("tasks", "--json", PYTHONPATH=path).stdout)
    assert names.keys() >= {"other-small", "other-large", "diabetes"}
    space = tuneyard("space", "other-large", PYTHONPATH=path)
    assert "[0.001, 1.0] log" in space.stdout


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("other = other_models:Missing", "AttributeError: module 'other_models' has no attribute"),
        ("other = no_such_module:Small", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("other = other_models:Space", "other_models:Space has no function train"),
    ],
)
def test_a_package_that_is_broken_leaves_the_others(
    tmp_path: Path, entry: str, reason: str
) -> None:
    listed = tuneyard("tasks", PYTHONPATH=install(tmp_path, entry))
    assert listed.returncode == 0
    assert "diabetes" in listed.stdout
    (line,) = listed.stderr.splitlines()
    assert line.startswith("the task other of other-models can't be loaded: ")
    assert reason in line


def test_a_folder_of_tasks(tmp_path: Path) -> None:
    (tmp_path / "mounted.py").write_text(FILE)
    (tmp_path / "broken.py").write_text("1 / 0\n")
    listed = tuneyard("tasks", TUNEYARD_TASKS=str(tmp_path))
    assert listed.returncode == 0, listed.stderr
    rows = [line for line in listed.stdout.splitlines() if line.startswith("mounted-")]
    assert [row.split()[0] for row in rows] == ["mounted-Small", "mounted-Large"]
    (line,) = listed.stderr.splitlines()
    assert line.endswith(
        "broken.py can't be loaded: broken.py:1: ZeroDivisionError: division by zero"
    )
    assert tuneyard("space", "mounted-Small", TUNEYARD_TASKS=str(tmp_path)).returncode == 0


def test_two_tasks_of_one_name(tmp_path: Path) -> None:
    done = tuneyard("tasks", PYTHONPATH=install(tmp_path, "diabetes = other_models:Small"))
    assert done.returncode == 2
    assert done.stderr == (
        "tuneyard: the task 'diabetes' of other-models has the same name as that of "
        "tuneyard.trainables.tasks.diabetes; rename one of them\n"
    )
