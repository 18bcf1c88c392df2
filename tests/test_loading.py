"""What importing our modules loads, and under which names."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("datasets", "search", "spaces", "trainables")

HEAVY = {"torch", "ray", "optuna", "mlflow", "pandas", "sklearn", "torchvision"}

# what can be imported without one of the HEAVY libraries
LIGHT = (
    "spaces",
    "search.errors",
    "search.frozen",
    "search.access",
    "search.spec.search",
    "search.spec.restrictions",
    "search.trials.record",
    "search.results",
    "search.jobs",
    "search.client",
    "search.cli",
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


def dotted(*places: str) -> list[str]:
    """The importable names of all modules in these packages."""
    names = []
    for place in places:
        path = ROOT.joinpath(*place.split("."))
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]:
            if file.stem != "__main__":
                parts = file.relative_to(ROOT).with_suffix("").parts
                names.append(".".join(["tuneyard", *parts]).removesuffix(".__init__"))
    return names


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
    assert len(ours) >= len(dotted(*PACKAGES))
    assert {p: names for p, names in ours.items() if len(names) > 1} == {}
    assert {p: n for p, n in ours.items() if not n[0].startswith("tuneyard.")} == {}


def loaded(*names: str) -> set[str]:
    """The libraries that importing these modules loads."""
    done = python("-X", "importtime", "-c", f"import {', '.join(names)}")
    assert done.returncode == 0, done.stderr
    return {
        line.rsplit("|", 1)[1].strip().split(".")[0]
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }


def test_spaces_import_no_heavy_library() -> None:
    libraries = loaded(*dotted("spaces"))
    assert "pydantic" in libraries
    assert libraries & {*HEAVY, "numpy"} == set()


@pytest.mark.parametrize("place", LIGHT)
def test_what_describes_a_search_imports_no_heavy_library(place: str) -> None:
    assert loaded(*dotted(place)) & HEAVY == set()


def test_the_service_starts_without_what_trains() -> None:
    program = """
import sys
import tuneyard.search.service.server
from tuneyard.search.service.app import create_app
from tuneyard.search.service.settings import read_settings

create_app(read_settings({}))
print("\\n".join(sys.modules))
"""
    done = python("-c", program)
    assert done.returncode == 0, done.stderr
    names = done.stdout.splitlines()
    assert "fastapi" in names
    assert {"torch", "ray", "ray.tune", "optuna", "torchvision", "sklearn"} & {*names} == set()
