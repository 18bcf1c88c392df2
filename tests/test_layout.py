"""Who may import whom, under which name, and how long a file may be."""

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("datasets", "search", "spaces", "trainables")
MAX_LINES = 350

ALL = ("*",)
TRIAL = ("trial*.py",)
TUNE = ("tune_*.py",)
STUDY = ("study*.py",)
RECORD = ("mlflow_*.py", "best.py")
SERVICE = ("service_*.py",)

# folder -> what may be imported there beside the standard library -> by which files (patterns).
# A name stands for itself and everything under it, and the longest one that fits counts.
ALLOWED: dict[str, dict[str, tuple[str, ...]]] = {
    "spaces": {
        "annotated_types": ALL,
        "pydantic": ALL,
        "pydantic_core": ALL,
        "tuneyard.spaces": ALL,
    },
    "datasets": {
        "PIL": ("image_folder.py",),
        "anyascii": ALL,
        "numpy": ALL,
        "pooch": ALL,
        "sklearn": ALL,
        "torchvision.datasets": ALL,
        "tuneyard.datasets": ALL,
    },
    "trainables": {
        "numpy": ALL,
        "ray": TRIAL,
        "sklearn.metrics": ALL,
        "torch": ALL,
        "torchvision": ALL,
        "tuneyard.datasets": ALL,
        "tuneyard.spaces": ALL,
        "tuneyard.trainables": ALL,
    },
    "search": {
        "fastapi": SERVICE,
        "httpx": ("cluster*.py",),
        "limits": ("service_limits.py",),
        "mlflow": RECORD,
        "numpy": ALL,
        "optuna": STUDY,
        "pandas": ALL,
        "prometheus_client": ("service_metrics.py",),
        "pyarrow": ("folder.py",),
        "pydantic": ALL,
        "pydantic_core": SERVICE,
        "ray": TUNE,
        "ray.exceptions.AuthenticationError": (*TUNE, "ray_jobs.py"),
        "ray.job_submission": ("ray_jobs.py",),
        "rich": ALL,
        "sqlalchemy.pool": STUDY,
        "starlette": SERVICE,
        "torch": ("driver.py", "mlflow_models.py", "mlflow_champions.py"),
        "tuneyard": ALL,
        "typer": ("cli*.py",),
        "uvicorn": ("service_server.py",),
        "yaml": ALL,
    },
}


def modules(folder: str) -> list[Path]:
    """The Python files of one of the four folders."""
    return sorted((ROOT / folder).rglob("*.py"))


def imports(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Yields (line, dotted name) of every import in ``source``, wherever in the file it stands."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield node.lineno, alias.name
            case ast.ImportFrom(module=module, names=names, level=level):
                # `from . import a` is level 1, and the folders have no subpackages
                base = [package] if level else []
                for alias in names:
                    yield node.lineno, ".".join([*base, *([module] if module else []), alias.name])
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def is_allowed(folder: str, file: str, name: str) -> bool:
    """Whether the file named ``file`` in ``folder`` may import the dotted ``name``."""
    if name.split(".")[0] in sys.stdlib_module_names:
        return True
    fitting = [key for key in ALLOWED[folder] if f"{name}.".startswith(f"{key}.")]
    return bool(fitting) and any(
        fnmatch(file, pattern) for pattern in ALLOWED[folder][max(fitting, key=len)]
    )


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a fresh interpreter in the checkout, where the bare folders could be imported."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def dotted(*folders: str) -> list[str]:
    """The importable names of all modules of these folders."""
    names = []
    for folder in folders:
        for path in modules(folder):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if parts[-1] != "__main__":
                names.append(".".join(["tuneyard", *parts]).removesuffix(".__init__"))
    return names


@pytest.mark.parametrize("folder", PACKAGES)
def test_imports_go_one_way(folder: str) -> None:
    package = f"tuneyard.{folder}"
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(folder)
        for line, name in imports(path.read_text(), package)
        if not is_allowed(folder, path.name, name)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import torch.nn as nn", "torch.nn"),
        ("def f():\n    import ray", "ray"),
        ("from sklearn import metrics", "sklearn.metrics"),
        ("from tuneyard import search", "tuneyard.search"),
        ("from . import space", "tuneyard.spaces.language.space"),
        ("from .space import Space", "tuneyard.spaces.language.space.Space"),
        ("import importlib\nimportlib.import_module('mlflow')", "mlflow"),
    ],
)
def test_an_import_is_seen_in_every_form(source: str, name: str) -> None:
    assert name in [found for _, found in imports(source, "tuneyard.spaces")]


@pytest.mark.parametrize(
    ("folder", "file", "name", "allowed"),
    [
        ("spaces", "space.py", "numpy", False),
        ("spaces", "space.py", "pydantic_extra_types", False),
        ("datasets", "names.py", "torch", False),
        ("trainables", "trial.py", "ray.tune", True),
        ("trainables", "training.py", "ray.tune", False),
        ("trainables", "metrics.py", "sklearn.metrics.f1_score", True),
        ("trainables", "metrics.py", "sklearn", False),
        ("trainables", "task.py", "tuneyard.search.spec.search", False),
        ("search", "spec.py", "tuneyard.spaces.language.space", True),
        ("search", "spec.py", "optuna", False),
        ("search", "study_mirror.py", "optuna", True),
        ("search", "driver.py", "pyarrow.fs", False),
    ],
)
def test_the_table_is_read_right(folder: str, file: str, name: str, allowed: bool) -> None:
    assert is_allowed(folder, file, name) is allowed


def test_no_module_is_imported_under_two_names() -> None:
    program = f"""
import importlib, json, os, sys
for name in {dotted(*PACKAGES)!r}:
    importlib.import_module(name)
names = {{}}
for name, module in list(sys.modules.items()):
    known = getattr(module, "__dict__", {{}})  # no attribute access: lazy modules would load
    for place in [known.get("__file__"), *(known.get("__path__") or [])]:
        if isinstance(place, str):
            names.setdefault(os.path.realpath(place), []).append(name)
print(json.dumps(names))
"""
    done = python("-c", program)
    assert done.returncode == 0, done.stderr
    places: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    ours = {
        place: names
        for place, names in places.items()
        if any(Path(place).is_relative_to(ROOT / folder) for folder in PACKAGES)
    }
    assert len(ours) >= len(PACKAGES)
    assert {p: names for p, names in ours.items() if len(names) > 1} == {}
    assert {p: n for p, n in ours.items() if not n[0].startswith("tuneyard.")} == {}


def test_spaces_import_no_heavy_library() -> None:
    done = python("-X", "importtime", "-c", f"import {', '.join(dotted('spaces'))}")
    assert done.returncode == 0, done.stderr
    loaded = {
        line.rsplit("|", 1)[1].strip().split(".")[0]
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "pydantic" in loaded
    assert loaded & {"torch", "ray", "optuna", "mlflow", "numpy"} == set()


@pytest.mark.parametrize("folder", PACKAGES)
def test_a_package_is_complete(folder: str) -> None:
    assert (ROOT / folder / "__init__.py").is_file()
    assert (ROOT / folder / "py.typed").is_file()
    assert (ROOT / "typings/tuneyard" / folder).readlink() == Path("../..") / folder
    nested = [str(path) for path in modules(folder) if path.parent != ROOT / folder]
    assert not nested, f"pyproject.toml packages the four folders alone, without {nested}"


def test_the_wheel_maps_every_folder() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert config["package-dir"] == {f"tuneyard.{folder}": folder for folder in PACKAGES}
    assert config["packages"] == sorted(config["package-dir"])


@pytest.mark.parametrize("folder", [*PACKAGES, "tests"])
def test_files_stay_short(folder: str) -> None:
    lengths = {p.relative_to(ROOT): len(p.read_text().splitlines()) for p in modules(folder)}
    assert {str(path): n for path, n in lengths.items() if n >= MAX_LINES} == {}
