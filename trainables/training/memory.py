"""Measures how much GPU memory the training of a config needs."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tuneyard.datasets import Dataset
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.trainables.task import Task
from tuneyard.trainables.training.training import Training


def gpu_memory(
    task: Task[TrainingSpace], config: TrainingSpace, folds: Sequence[Dataset], seed: int
) -> tuple[int, int]:
    """Trains one epoch in a process that is the only one on its GPU.

    Returns:
        The bytes in use afterwards, and the bytes that the GPU has. The former include torch's
        cache, which never shrinks, and the CUDA context, which torch does not count; they equal the
        latter if one epoch does not fit.
    """
    total = torch.cuda.get_device_properties(0).total_memory
    try:
        Training(task, config, folds, seed=seed, device=torch.device("cuda")).run_epoch()
    except torch.OutOfMemoryError:
        return total, total
    free, total = torch.cuda.mem_get_info()
    return total - free, total
