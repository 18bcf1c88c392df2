"""Measures how much GPU memory the training of a config needs."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tuneyard.datasets import Data
from tuneyard.spaces import SearchSpace
from tuneyard.trainables.searchable import Searchable


def gpu_memory(
    task: Searchable, config: SearchSpace, folds: Sequence[Data], seed: int
) -> tuple[int, int]:
    """Trains one epoch in a process that is the only one on its GPU.

    Returns:
        The bytes in use afterwards, and the bytes that the GPU has. The former include torch's
        cache, which never shrinks, and the CUDA context, which torch does not count; they equal the
        latter if one epoch does not fit.
    """
    total = torch.cuda.get_device_properties(0).total_memory
    try:
        task.start(config, folds, seed=seed, device=torch.device("cuda")).run_epoch()
    except torch.OutOfMemoryError:
        return total, total
    free, total = torch.cuda.mem_get_info()
    return total - free, total
