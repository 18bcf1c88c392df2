"""The built wheel, installed outside the checkout, beside Hugging Face's package `datasets`."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from uv import find_uv_bin

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("datasets", "search", "spaces", "trainables")


def run(*command: str | Path, cwd: Path) -> str:
    """The command's output; what it wrote to stderr is in the failure where there is one."""
    leaky = {"PYTHONPATH", "VIRTUAL_ENV"}
    done = subprocess.run(
        command,
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name not in leaky},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, as setuptools leaves `build/` in the folder that it builds in."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    uv = find_uv_bin()
    python = ("--python", sys.executable)
    run(uv, "build", "--wheel", "--no-build-isolation", *python, "--out-dir", folder, cwd=source)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh environment of 6 GB: hard links into uv's cache, gone after the tests."""
    folder = tmp_path_factory.mktemp("environment")
    uv = find_uv_bin()
    try:
        run(uv, "venv", "--python", sys.executable, folder / "venv", cwd=folder)
        locked = ("-r", ROOT / "requirements.lock", wheel, "datasets")
        into = ("--python", folder / "venv/bin/python")
        run(uv, "pip", "install", *into, *locked, cwd=folder)
        yield folder / "venv"
    finally:
        shutil.rmtree(folder)


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


def test_hugging_face_datasets_stays_importable(environment: Path, tmp_path: Path) -> None:
    program = """
import datasets, tuneyard.datasets, tuneyard.search, tuneyard.spaces, tuneyard.trainables
assert callable(datasets.load_dataset)
print(datasets.__file__, tuneyard.datasets.__file__)
"""
    hugging_face, ours = run(environment / "bin/python", "-c", program, cwd=tmp_path).split()
    assert Path(hugging_face).parts[-3:] == ("site-packages", "datasets", "__init__.py")
    assert Path(ours).parts[-4:] == ("site-packages", "tuneyard", "datasets", "__init__.py")


@pytest.mark.parametrize(
    "arguments", [("--help",), ("tasks",), ("space", "names-gru")], ids=" ".join
)
def test_the_command_runs_outside_the_checkout(
    environment: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert run(environment / "bin/tuneyard", *arguments, cwd=tmp_path).strip()
