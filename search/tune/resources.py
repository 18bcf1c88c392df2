"""How many trials a Ray cluster holds, and whether its nodes reach the search's folder."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar  # Any: Ray describes a node by a dictionary of anything

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tuneyard.search.errors import SearchError
from tuneyard.search.spec.resources import Resources
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.tune.calls import call_there
from tuneyard.spaces.registry import Code
from tuneyard.trainables.worker.device import trial_device

ResultT = TypeVar("ResultT")

FIT_SECONDS = 1.0
"""How long a count of the trials that fit is used again: nodes join and leave."""

PROBE_SECONDS = 60.0


def check_resources(resources: Resources) -> None:
    """Sees that a trial fits on some node.

    Raises:
        SearchError: No node has what one trial takes.
    """
    nodes = _nodes()
    names = {"CPU": "cpus_per_trial", "GPU": "gpus_per_trial"}
    for name, amount in resources.bundle.items():
        most = max((node.get(name, 0.0) for node in nodes), default=0.0)
        if amount > most:
            field = names.get(name, f"resources_per_trial.{name}")
            raise SearchError(
                f"{field} must be at most {most:g}, what the largest node has, got {amount:g}"
            )
    if not any(resources.fit(node) for node in nodes):
        raise SearchError(
            f"no node has all that a trial takes at once: {resources.bundle}; ask for less a trial"
        )


def has_gpu() -> bool:
    """Whether the cluster has a GPU."""
    return any(node.get("GPU", 0.0) >= 1 for node in _nodes())


def _living() -> list[dict[str, Any]]:
    """The nodes that are alive, as Ray describes them."""
    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node for node in found if node["Alive"]]


def has_several_nodes() -> bool:
    """Whether the cluster has more than the node that the driver is on."""
    return len(_living()) > 1


def _nodes() -> list[dict[str, float]]:
    return [node["Resources"] for node in _living()]


class Capacity:
    """How many trials may run at a time: what was asked for, or what fits on the nodes now.

    Args:
        resources: Of a trial.
        concurrency: What was asked for; None for what fits.
    """

    def __init__(self, resources: Resources, concurrency: int | None) -> None:
        self._resources = resources
        self._concurrency = concurrency
        self._fitting = 0
        self._counted_at = -math.inf

    def __call__(self) -> int:
        """Trials at a time, at least 1."""
        if self._concurrency is not None:
            return self._concurrency
        if time.monotonic() - self._counted_at >= FIT_SECONDS:
            self._fitting = sum(self._resources.fit(node) for node in _nodes())
            self._counted_at = time.monotonic()
        return max(1, self._fitting)


def check_shared(folder: SearchFolder) -> None:
    """Sees that every node of the cluster reaches the search's storage and has tuneyard.

    Raises:
        SearchError: One does not, or the storage can't be written here.
    """
    nodes = _living()
    if len(nodes) < 2 or not folder.is_local:
        return
    storage = Path(folder.path).parent
    new = not storage.exists()
    probe = storage / f".probe-{secrets.token_hex(8)}"
    try:
        storage.mkdir(parents=True, exist_ok=True)
        probe.touch()
    except OSError as error:
        raise SearchError(
            f"{storage} can't be written: {error.strerror}; name another with --storage"
        ) from None
    try:
        for node in nodes:
            if not _on_node(node["NodeID"], probe.exists):
                raise SearchError(
                    f"node {node['NodeManagerAddress']} of the cluster does not see {storage}; "
                    "name a folder that all nodes share, or an object store, with --storage"
                )
    finally:
        probe.unlink()
        if new:
            # another search may have begun there
            with suppress(OSError):
                storage.rmdir()


def _on_node(node: str, ask: Callable[[], bool]) -> bool:
    """What a function returns on a node; true where the node has left meanwhile."""

    @ray.remote(num_cpus=0)
    def call() -> bool:
        return ask()

    there = call.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False))
    until = time.monotonic() + PROBE_SECONDS
    while _lives(node):
        try:
            return ray.get(there.remote(), timeout=PROBE_SECONDS)
        except (ray.exceptions.NodeDiedError, ray.exceptions.TaskUnschedulableError) as error:
            # other nodes learn of one that joins or leaves a moment before or after the head
            if time.monotonic() > until:
                raise _unusable(error) from None
            time.sleep(0.1)
        except ray.exceptions.RayError as error:
            raise _unusable(error) from None
    return True


def _lives(node: str) -> bool:
    return any(one["NodeID"] == node for one in _living())


def _unusable(error: ray.exceptions.RayError) -> SearchError:
    reason = str(error).strip().splitlines()[-1]
    return SearchError(f"a node of the cluster can't run tuneyard: {reason}")


def on_gpu(function: Callable[..., ResultT], resources: Resources, code: Code | None) -> ResultT:
    """Calls a function once with a trial's resources; it is given their `device`.

    Args:
        function: What is called.
        resources: Of a trial.
        code: A user's code, to which the function refers; None where it refers to none.
    """

    def call() -> ResultT:
        return function(device=trial_device(resources.gpus))

    options = {"num_cpus": resources.cpus, "num_gpus": resources.gpus}
    return ray.get(call_there(call, code, resources=dict(resources.custom), **options))
