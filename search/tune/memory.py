"""``gpus_per_trial=auto``: the share of a GPU that a task's models need, by measurement."""

from __future__ import annotations

from functools import partial

import ray

from tuneyard.datasets import Data
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.tune.calls import call_there
from tuneyard.search.tune.resources import has_gpu
from tuneyard.spaces import Value
from tuneyard.spaces.language.dimensions import Dimension
from tuneyard.spaces.registry import find_code
from tuneyard.trainables.searchable import Searchable
from tuneyard.trainables.training.memory import gpu_memory

HEADROOM = 1.2
"""Fragmentation, and batches longer than those of the first epoch."""

MOST = 16
"""Most trials on one GPU; with more they wait for each other's kernels."""


def gpu_share(search: ResolvedSpec, task: Searchable, folds: tuple[Data, ...]) -> float:
    """The share that the largest model of the space needs; 0 where the cluster has no GPU.

    One epoch of the baseline and one of the largest config are trained on a GPU of their own.
    """
    if not has_gpu():
        return 0.0
    space, spec = search.space, search.spec
    options = {"num_gpus": 1, "num_cpus": spec.cpus_per_trial, "max_calls": 1}
    code = find_code(search.task.name)
    found = ray.get(
        [
            call_there(partial(gpu_memory, task, config, folds, spec.seed), code, **options)
            for config in (space.baseline(), space.suggest(largest))
        ]
    )
    return min(1.0, max(share(used, total) for used, total in found))


def share(used: int, total: int) -> float:
    """One over how many such trainings a GPU holds, at most 16.

    Args:
        used: Bytes that a training takes.
        total: Bytes that the GPU has.
    """
    trials = max(1, min(MOST, int(total / (used * HEADROOM))))
    # rounded down: Ray counts GPUs in steps of 0.0001
    return int(10_000 / trials) / 10_000


def largest(leaf: Dimension) -> Value:
    """The value of a dimension that makes the largest model, as far as numbers tell."""
    values = list(leaf.domain.grid(2))
    numbers = [value for value in values if isinstance(value, int | float)]
    return max(numbers) if len(numbers) == len(values) else leaf.baseline
