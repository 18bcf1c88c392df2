"""A person's file on nodes that cannot reach it; on one machine, in a process of its own."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster

from tuneyard.search import Settings
from tuneyard.search.api import search
from tuneyard.search.spec.files import parse_spec
from tuneyard.spaces.code.neighbours import FILE_BYTES
from tuneyard.spaces.registry import open_file

TASK = '''
"""A file that says on which node it runs, and where it and its helpers lie there."""

import json
import os
import time
from typing import Annotated

import own_helper
from own_parts import deeper

from tuneyard.spaces import Float, SearchSpace


class Space(SearchSpace):
    "One number."

    x: Annotated[float, Float(0.0, 1.0)] = 0.5


objective = "min loss"


def load_data(data_dir):
    return str(data_dir / "places")


def train(config, trial, data):
    from own_parts import later

    files = [__file__, own_helper.__file__, deeper.__file__, later.__file__]
    with open(data, "a") as places:
        places.write(json.dumps({"raylet": os.getppid(), "files": files}) + "\\n")
    for _ in trial.epochs(3):
        time.sleep(0.1)
        trial.report(loss=own_helper.loss(config.x))
'''
FILES = {
    "own_task.py": TASK,
    "own_helper.py": "def loss(x):\n    return (x - 0.3) ** 2\n",
    "own_parts/__init__.py": "",
    "own_parts/deeper.py": "",
    "own_parts/later.py": "",
}


def test_the_file_and_its_helpers_travel(tmp_path: Path, settings: Settings, records: Any) -> None:
    for name, text in FILES.items():
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / name).write_text(text)
    (tmp_path / "own" / "large.bin").write_bytes(bytes(FILE_BYTES + 1))
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path), str(settings.tracking_uri)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert "missing there: large.bin; what load_data returns does travel" in done.stderr

    assert told["folders"] == {name: str(tmp_path / name) for name in ("first", "second")}
    assert told["result"]["state"] == "completed"
    assert told["result"]["trials"]["completed"] == told["result"]["trials"]["total"] == 6
    left = records(settings, "travels")
    assert {trial.user_attrs["state"] for trial in left.trials.values()} == {"completed"}

    assert not (tmp_path / "own").exists()
    places = [json.loads(line) for line in (tmp_path / "places").read_text().splitlines()]
    there = [one for one in places if str(one["raylet"]) in told["raylets"]]
    assert len(there) == 6, "a trial each; the driver runs it once more for the best model"
    assert {told["raylets"][str(one["raylet"])] for one in there} == {"first", "second"}
    for one in there:
        folder = Path(one["files"][0]).parent
        assert folder.parent.name == f"tuneyard-code-{os.getuid()}"
        assert [str(folder / name) for name in FILES if "init" not in name] == one["files"]
        assert (folder / "own_task.py").read_text() == TASK


def main(folder: str, tracking_uri: str) -> dict[str, Any]:
    """What the test looks at, as JSON."""
    place = Path(folder)
    cluster: Any = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    raylets: dict[int, str] = {}
    for name in ("first", "second"):
        (place / name).mkdir()
        os.chdir(place / name)  # a node works where it was started
        node = cluster.add_node(num_cpus=1, resources={"slot": 1})
        raylets[node.all_processes["raylet"][0].process.pid] = name
    os.chdir("/")
    ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)

    task = open_file(str(place / "own" / "own_task.py")).name
    # what was opened is enough: from now on, no process finds the file
    (place / "own").rename(place / "gone")
    spec = {
        "task": task,
        "name": "travels",
        "trials": 6,
        "sampler": "random",
        "scheduler": "none",
        "resources_per_trial": {"slot": 1},
    }
    settings = Settings(storage=place / "searches", tracking_uri=tracking_uri, data_dir=place)
    result = search(parse_spec(spec), settings)
    folders = {name: str(Path(f"/proc/{pid}/cwd").readlink()) for pid, name in raylets.items()}
    ray.shutdown()
    cluster.shutdown()
    return {"result": result.model_dump(), "raylets": raylets, "folders": folders}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
