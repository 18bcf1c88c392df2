"""A spec is validated, resolved and explained without a library that trains or records."""

import json
import subprocess
import sys
from pathlib import Path

SPEC = Path(__file__).resolve().parents[3] / "search/spec"

PROGRAM = """
import importlib, json, sys
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.kinds import kinds_help
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.spec.samplers import Sampler
from tuneyard.search.spec.schedulers import Scheduler
for union in (Sampler, Scheduler):
    kinds_help(union)
ResolvedSpec.of(parse_spec({"task": "diabetes"}))
print(json.dumps(sorted(sys.modules)))
"""


def test_the_package_loads_no_heavy_library() -> None:
    modules = [f"tuneyard.search.spec.{path.stem}" for path in SPEC.glob("*.py")]
    packages = ["tuneyard.search.spec.samplers", "tuneyard.search.spec.schedulers"]
    names = [name.removesuffix(".__init__") for name in [*modules, *packages]]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(names)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "pydantic" in loaded
    assert loaded & {"torch", "ray", "mlflow", "optuna", "numpy", "pandas", "sklearn"} == set()
