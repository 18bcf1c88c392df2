"""A user's file with its neighbours: what travels, and where another process finds it."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

from tuneyard.spaces import Float, SearchSpace, SpaceError
from tuneyard.spaces.code import neighbours
from tuneyard.spaces.code.errors import CodeError
from tuneyard.spaces.code.file import FileCode
from tuneyard.spaces.code.functions import FunctionCode
from tuneyard.spaces.code.neighbours import imported_files, read_folder
from tuneyard.spaces.code.reference import FileReference, is_file_reference
from tuneyard.spaces.registry import find_code, find_description, open_code, open_file

TASK = """
from typing import Annotated
import helper_of_tests
from tuneyard.spaces import Float, SearchSpace

class Space(SearchSpace):
    "One number."
    lr: Annotated[float, Float(0.001, 1.0, log=True)] = helper_of_tests.LR

objective = "max accuracy"

class Data:
    def __init__(self, number):
        self.number = number

def train(config, trial):
    for epoch in trial.epochs(20):
        import late_of_tests
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A task with two neighbours, one imported at once and one in its function."""
    before = list(sys.path)
    own = tmp_path / "own"
    (own / "package_of_tests").mkdir(parents=True)
    (own / "my task.py").write_text(TASK)
    (own / "helper_of_tests.py").write_text("from package_of_tests.part import LR\n")
    (own / "package_of_tests/__init__.py").write_text("")
    (own / "package_of_tests/part.py").write_text("from . import rate\nLR = rate.LR\n")
    (own / "package_of_tests/rate.py").write_text("LR = 0.5\n")
    (own / "late_of_tests.py").write_text("")
    (own / "notes.txt").write_text("small")
    yield own
    sys.path[:] = before


def opened(folder: Path) -> FileCode:
    return FileCode.read(FileReference.parse(str(folder / "my task.py")))


def test_the_files_that_it_imports_are_its_code(folder: Path) -> None:
    code = opened(folder)
    assert code.folder.code == (
        "helper_of_tests.py",
        "late_of_tests.py",
        "my task.py",
        "package_of_tests/__init__.py",
        "package_of_tests/part.py",
        "package_of_tests/rate.py",
    )
    assert code.folder.files.keys() == {*code.folder.code, "notes.txt"}
    description = code.describe()
    assert description.name == "my-task"
    assert (description.objective.metric, description.objective.mode) == ("accuracy", "max")
    assert description.epochs == 20
    assert description.space.space().baseline().model_dump() == {"lr": 0.5}


def test_what_is_large_or_no_code_is_left_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "large.bin").write_bytes(b"x" * 1000)
    for name in (".hidden/a.py", "__pycache__/a.pyc", "venv/pyvenv.cfg", "venv/a.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    (folder / "searches/one").mkdir(parents=True)
    (folder / "searches/one/spec.yaml").write_text("task: x")
    (folder / "link.txt").symlink_to(folder / "notes.txt")
    monkeypatch.setattr(neighbours, "FILE_BYTES", 999)
    first = imported_files(folder / "my task.py")
    found = read_folder(folder, first)
    assert found.files.keys() == {*first, "notes.txt"}
    assert found.left_out == ("large.bin",)
    monkeypatch.setattr(neighbours, "MOST_FILES", 3)
    assert read_folder(folder, []).files.keys() < found.files.keys()


def test_an_environment_in_the_folder_stays_loaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = folder / ".venv/lib/site-packages"
    packages.mkdir(parents=True)
    (packages / "installed_for_tests.py").write_text("")
    monkeypatch.syspath_prepend(packages)
    installed = importlib.import_module("installed_for_tests")
    opened(folder).describe()
    assert sys.modules["installed_for_tests"] is installed


def test_a_change_of_a_neighbour_is_a_change(folder: Path) -> None:
    before = opened(folder)
    (folder / "notes.txt").write_text("other")
    assert opened(folder).digest == before.digest
    (folder / "package_of_tests/rate.py").write_text("LR = 0.25\n")
    after = opened(folder)
    assert after.digest != before.digest
    assert after.describe().space.space().baseline().model_dump() == {"lr": 0.25}
    # the version before is still what it was, from its copy
    assert before.describe().space.space().baseline().model_dump() == {"lr": 0.5}


ELSEWHERE = """
import pickle, sys
carried, data = pickle.load(open(sys.argv[1], "rb"))
from tuneyard.spaces.registry import find_description
description = find_description("my-task")
file = sys.modules[type(data).__module__].__file__
print(description.space.space().baseline().lr, data.number, file)
"""


@pytest.mark.parametrize("there", [True, False])
def test_it_arrives_in_another_process_before_its_data(
    folder: Path, tmp_path: Path, there: bool
) -> None:
    from tuneyard.spaces.registry import Carried

    description = open_code(code := opened(folder))
    data = sys.modules[description.module].Data(7)
    (tmp_path / "sent").write_bytes(pickle.dumps((Carried(code), data)))
    if not there:
        folder.rename(tmp_path / "away")
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path / "sent")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lr, number, file = done.stdout.split(maxsplit=2)
    assert (lr, number) == ("0.5", "7")
    assert (Path(file.strip()).parent == folder) is there


def test_a_file_that_is_opened_is_found_by_its_name(folder: Path) -> None:
    description = open_file(str(folder / "my task.py"))
    assert find_description("my-task") is description
    code = find_code("my-task")
    assert isinstance(code, FileCode)
    assert find_code("diabetes") is None
    again = FileCode.recorded(code.record())
    assert again == code
    folder.rename(folder.with_name("gone"))
    from_copy = FileCode.recorded(code.record())
    assert from_copy.sources == code.sources
    assert from_copy.describe().space.space().baseline().model_dump() == {"lr": 0.5}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a.py", True), ("a/b.py:Other", True), ("diabetes", False), ("s.yaml", False), ("py", False)],
)
def test_references_to_files(text: str, expected: bool) -> None:
    assert is_file_reference(text) is expected


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CodeError, match=r"no.py does not exist; write a file to start with: tuney"):
        open_file("no.py", tmp_path)
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(CodeError, match=r"folder.py is a folder"):
        open_file("folder.py", tmp_path)


# --- functions


class Space(SearchSpace):
    """One number."""

    lr: Annotated[float, Float(0.001, 1.0, log=True)] = 0.1


def train(config: Any, trial: Any) -> None: ...


def test_functions_travel_by_value(tmp_path: Path) -> None:
    code = FunctionCode.of(train, Space, "min loss", name="of-tests", epochs=5)
    description = open_code(pickle.loads(pickle.dumps(code)))
    assert (description.name, description.epochs) == ("of-tests", 5)
    assert description.space.space().baseline().model_dump() == {"lr": 0.1}
    assert code.sources["train"].startswith("def train(config")
    with pytest.raises(CodeError, match="the functions of task 'of-tests' were handed over in Py"):
        FunctionCode.recorded(code.record())
    # another process lacks the module that they are defined in
    (tmp_path / "sent").write_bytes(pickle.dumps(code))
    program = (
        "import pickle, sys; code = pickle.load(open(sys.argv[1], 'rb')); "
        "print(code.describe().space.space().baseline().lr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "sent")],
        capture_output=True,
        cwd=tmp_path,
        text=True,
        check=False,
    )
    assert done.stdout == "0.1\n", done.stderr


def test_what_can_not_travel() -> None:
    lock = threading.Lock()

    def locked(config: Any, trial: Any) -> None:
        lock.acquire()

    with pytest.raises(
        CodeError, match="the functions can't be sent to the workers: cannot pickle"
    ):
        FunctionCode.of(locked, Space, "min loss")


def test_too_much_does_not_travel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuneyard.spaces.code.functions.MOST_BYTES", 1 << 20)
    much = b"x" * (3 << 20)

    def heavy(config: Any, trial: Any) -> None:
        print(much)

    with pytest.raises(CodeError, match="the functions refer to 3 MiB of data, which every worker"):
        FunctionCode.of(heavy, Space, "min loss")


def test_a_name_of_a_shipped_task_is_taken() -> None:
    with pytest.raises(SpaceError, match="'diabetes' of Python has the same name as that of tuney"):
        open_code(FunctionCode.of(train, Space, "min loss", name="diabetes"))
