"""The built wheel, installed outside the checkout, beside Hugging Face's package `datasets`."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("datasets", "search", "spaces", "trainables")


def test_the_wheel_holds_the_namespace_alone(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names} == {"tuneyard", "tuneyard-0.1.0.dist-info"}
    assert "tuneyard/__init__.py" not in names
    for package in PACKAGES:
        files = {
            f"tuneyard/{path.relative_to(ROOT).as_posix()}"
            for path in (ROOT / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert files - names == set()


def test_hugging_face_datasets_stays_importable(
    environment: Path, outside: Callable[..., str], tmp_path: Path
) -> None:
    program = """
import datasets, tuneyard.datasets, tuneyard.search, tuneyard.spaces, tuneyard.trainables
assert callable(datasets.load_dataset)
print(datasets.__file__, tuneyard.datasets.__file__)
"""
    hugging_face, ours = outside(environment / "bin/python", "-c", program, cwd=tmp_path).split()
    assert Path(hugging_face).parts[-3:] == ("site-packages", "datasets", "__init__.py")
    assert Path(ours).parts[-4:] == ("site-packages", "tuneyard", "datasets", "__init__.py")


@pytest.mark.parametrize(
    "arguments", [("--help",), ("tasks",), ("space", "names-gru")], ids=" ".join
)
def test_the_command_runs_outside_the_checkout(
    environment: Path, outside: Callable[..., str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert outside(environment / "bin/tuneyard", *arguments, cwd=tmp_path).strip()
