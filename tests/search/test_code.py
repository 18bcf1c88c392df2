"""A user's code as a search keeps it, and as a resume finds it again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tuneyard.search.stages.code import record_code, reopen_code
from tuneyard.search.storage.folder import CODE, SearchFolder
from tuneyard.spaces.code.errors import CodeError
from tuneyard.spaces.registry import find_code, find_description, open_command, open_file

FILE = """
from tuneyard.spaces import SearchSpace

class Space(SearchSpace):
    "Nothing to choose."
    epochs: int = {epochs}

objective = "min loss"

def train(config, trial): ...
"""


@pytest.fixture
def folder(tmp_path: Path) -> SearchFolder:
    return SearchFolder(tmp_path / "searches", "one")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recorded_task.py"
    path.write_text(FILE.format(epochs=3))
    return path


def epochs(task: str) -> int:
    return int(find_description(task).space.space().baseline().model_dump()["epochs"])


def test_an_installed_task_leaves_nothing(folder: SearchFolder) -> None:
    record_code(folder, find_code("diabetes"))
    assert not folder.has(CODE)
    reopen_code(folder, "diabetes", accept_changes=False)


def test_a_file_is_opened_again(folder: SearchFolder, file: Path) -> None:
    task = open_file(str(file)).name
    record_code(folder, find_code(task))
    assert json.loads(folder.read(CODE))["sources"] == {file.name: file.read_text()}
    reopen_code(folder, task, accept_changes=False)
    assert epochs(task) == 3


def test_a_changed_file_is_refused_with_the_difference(folder: SearchFolder, file: Path) -> None:
    task = open_file(str(file)).name
    record_code(folder, find_code(task))
    file.write_text(FILE.format(epochs=4))
    with pytest.raises(CodeError) as error:
        reopen_code(folder, task, accept_changes=False)
    assert str(error.value) == (
        "the code of task 'recorded_task' has changed since the search was started: undo that, "
        "resume with --accept-changes, or start a new search"
    )
    assert "-    epochs: int = 3\n+    epochs: int = 4\n" in error.value.details
    assert epochs(task) == 3, "a refusal changes nothing"
    reopen_code(folder, task, accept_changes=True)
    assert epochs(task) == 4


def test_of_a_file_that_is_gone_the_copy_is_taken(folder: SearchFolder, file: Path) -> None:
    task = open_file(str(file)).name
    record_code(folder, find_code(task))
    file.unlink()
    reopen_code(folder, task, accept_changes=False)
    assert epochs(task) == 3


def test_a_command_is_opened_again(folder: SearchFolder, tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text("echo '{\"loss\": 1}'\n")
    declared = {"objective": "min loss", "space": {"x": {"low": 0, "high": 9, "default": 1}}}
    task = open_command("sh run.sh {x}", declared, tmp_path).name
    assert task == "run"
    record_code(folder, find_code(task))
    reopen_code(folder, task, accept_changes=False)
    script.write_text("echo '{\"loss\": 2}'\n")
    with pytest.raises(CodeError) as error:
        reopen_code(folder, task, accept_changes=False)
    assert "run.sh now" in error.value.details
