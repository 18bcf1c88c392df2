"""Searches on several nodes, which leave and join; on one machine, in a process of its own."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from tuneyard.search import SearchError, SearchResult, Settings
from tuneyard.search.api import search
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.tune.events import TrialEvents

TASK: dict[str, Any] = {
    "task": "airplane-lstm",
    "folds": 1,
    "sampler": "random",
    "scheduler": "none",
    "resources_per_trial": {"slot": 1},
}


def test_a_search_on_nodes_that_come_and_go(settings: Settings, records: Any) -> None:
    done = subprocess.run(
        [sys.executable, __file__, str(settings.storage), str(settings.tracking_uri)],
        cwd=Path(str(settings.storage)).parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])

    left = records(settings, "elastic")
    left.check(SearchResult.model_validate(told["result"]))
    # the two that were there, and the one that joined when one of them had left; not the head,
    # which has a CPU and nothing of the custom resource that trials take
    assert told["nodes"] == ["first", "joined", "second"]
    assert len(told["before"]) >= 2
    states = {number: trial.user_attrs["state"] for number, trial in left.trials.items()}
    values = {number: trial.user_attrs["value"] for number, trial in left.trials.items()}
    for number, value in told["before"].items():
        assert (states[int(number)], values[int(number)]) == ("completed", value)
    assert "failed" not in states.values(), "what the lost node ran went on elsewhere"
    assert told["too_much"] == (
        "resources_per_trial.slot must be at most 1, what the largest node has, got 2"
    )
    if told["unshared"] is None:
        pytest.skip("no mount namespace can be made here: a node without the storage is not tried")
    assert told["unshared"].endswith(
        f"of the cluster does not see {settings.storage}; name a folder that all nodes share, or "
        "an object store, with --storage"
    )
    assert [path.name for path in Path(str(settings.storage)).iterdir()] == ["elastic"]


class Nodes:
    """A cluster of raylets: the head, and workers by name with room for a trial each."""

    def __init__(self) -> None:
        self.cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
        )
        self._workers: dict[str, Any] = {}
        self._names = {_raylet(self.cluster.head_node): "head"}

    def add(self, name: str) -> None:
        node = self.cluster.add_node(num_cpus=1, resources={"slot": 1})
        self._workers[name] = node
        self._names[_raylet(node)] = name

    def kill(self, name: str) -> None:
        self.cluster.remove_node(self._workers.pop(name), allow_graceful=False)

    def of(self, pid: int) -> str | None:
        """The node of a worker: the process that started it; None where it is gone."""
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        return self._names.get(int(status.rpartition(")")[2].split()[1]))


def _raylet(node: Any) -> int:
    pid: int = node.all_processes["raylet"][0].process.pid
    return pid


class Watched:
    """Lets a node leave in mid-search and another join, and ends the search when that is used.

    It does so between two results, on the thread of the driver: Ray starts nodes on no other.

    Attributes:
        used: The nodes that trials were on.
        before: The values of the trials that ended before the node left, by number.
    """

    before: dict[int, float]

    def __init__(self, nodes: Nodes) -> None:
        self.used: set[str | None] = set()
        self._nodes = nodes
        self._steps = iter([self._leave, self._end])
        self._step = next(self._steps)
        real = TrialEvents.on_trial_result

        def on_trial_result(
            events: TrialEvents, iteration: int, trials: Any, trial: Any, result: Any, **info: Any
        ) -> None:
            real(events, iteration, trials, trial, result, **info)
            self.used.add(nodes.of(result["pid"]))
            ended = {
                record.number: record.value or 0.0
                for record in events.records
                # one without its weights would be trained again if its node left now
                if record.state == "completed" and record.checkpoint
            }
            if self._step and self._step(ended):
                self._step = next(self._steps, None)

        TrialEvents.on_trial_result = on_trial_result  # type: ignore[method-assign]

    def _leave(self, ended: dict[int, float]) -> bool:
        ready = len(ended) >= 2 and self.used >= {"first", "second"}
        if ready:
            self.before = ended
            self._nodes.kill("first")
            self._nodes.add("joined")
        return ready

    def _end(self, ended: dict[int, float]) -> bool:
        ready = "joined" in self.used
        if ready:
            os.kill(os.getpid(), signal.SIGINT)
        return ready


def main(storage: str, tracking_uri: str) -> dict[str, Any]:
    """What the test looks at, as JSON."""
    nodes = Nodes()
    nodes.add("first")
    nodes.add("second")
    ray.init(address=nodes.cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    settings = Settings(storage=storage, tracking_uri=tracking_uri)
    told: dict[str, Any] = {}

    watched = Watched(nodes)
    spec = TASK | {"name": "elastic", "trials": 500, "space": {"epochs": 60}}
    told["result"] = search(parse_spec(spec), settings).model_dump()
    told["nodes"] = sorted(name for name in watched.used if name)
    told["before"] = watched.before
    told["too_much"] = refusal(spec | {"resources_per_trial": {"slot": 2}}, settings)

    told["unshared"] = None
    with node_without(storage, nodes.cluster.address) as there:
        if there:
            told["unshared"] = refusal(TASK, settings)
    ray.shutdown()
    nodes.cluster.shutdown()
    return told


def wait(until: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end
        time.sleep(0.05)


def alive() -> set[str]:
    return {node["NodeID"] for node in ray.nodes() if node["Alive"]}


def refusal(spec: dict[str, Any], settings: Settings) -> str:
    try:
        search(parse_spec(spec | {"name": "refused"}), settings)
    except SearchError as error:
        return str(error)
    return "it ran"


@contextmanager
def node_without(storage: str, address: str) -> Iterator[bool]:
    """A node that has an empty folder where the others have the storage; whether there is one."""
    unshare = [shutil.which("unshare") or "false", "--mount", "sh", "-c"]
    hide = f"mount -t tmpfs tmpfs {Path(storage).parent}"
    if subprocess.run([*unshare, hide], capture_output=True, check=False).returncode:
        yield False
        return
    before = alive()
    start = f"{hide} && exec {sys.executable} -m ray.scripts.scripts start --block --num-cpus 1"
    process = subprocess.Popen(
        [*unshare, f"{start} --address {address}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        wait(lambda: alive() - before)
        yield True
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
