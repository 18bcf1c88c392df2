"""The random numbers that a user's code draws from Python, NumPy and torch."""

from __future__ import annotations

import random

import numpy as np
import torch

from tuneyard.trainables.searchable import State


def seed_everything(seed: int) -> None:
    """Seeds Python's, NumPy's and torch's global generators."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - users' code draws from the global generator
    torch.manual_seed(seed)


def random_states(device: torch.device) -> State:
    """The states of all global generators, as tensors and plain values."""
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002
    states: State = {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest),
        "torch": torch.get_rng_state(),
    }
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def set_random_states(states: State, device: torch.device) -> None:
    """Sets all global generators to what `random_states` returned."""
    version, numbers, following = states["python"]
    random.setstate((version, tuple(numbers), following))
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, keys.cpu().numpy().astype(np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(states["torch"].cpu())
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"].cpu(), device)
