"""docs/tasks.md is what the code says."""

import json
import subprocess
import sys
from pathlib import Path

from tuneyard.spaces.registry import descriptions

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_is_as_the_tasks_are() -> None:
    done = subprocess.run(
        [sys.executable, "docs/tasks.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == (ROOT / "docs" / "tasks.md").read_text(), "run make docs"


def test_what_was_measured_is_of_tasks_that_there_are() -> None:
    measured = json.loads((ROOT / "benchmarks" / "quality.json").read_text())
    assert measured.keys() <= descriptions().keys()
    for task, found in measured.items():
        assert found["command"].startswith(f"tuneyard search {task} ")
        metric, test = found["result"]["objective"]["metric"], found["result"]["best"]["test"]
        assert metric.replace("val_", "test_") in test
