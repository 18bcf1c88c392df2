"""Eight Gaussians on a ring, on which it is easy to see whether a generator lost modes."""

import numpy as np
import numpy.typing as npt

from tuneyard.datasets.dataset import Dataset

MODES = 8
RADIUS = 1.0
DEVIATION = 0.05  # standard deviation of each Gaussian, along both axes

_ROWS = {"train": 4096, "val": 512, "test": 512}  # multiples of MODES
_SEED = 0


def centres() -> npt.NDArray[np.float32]:
    """The centres of the modes, (8, 2); mode k is k eighths of a turn from the first axis."""
    angles = np.arange(MODES) * (2 * np.pi / MODES)
    return (RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(np.float32)


def load() -> Dataset:
    """Loads 5,120 generated points: `point` (5120, 2) float32 and `label` (5120,) int64.

    The label is the point's mode, 0 to 7, and points are within about 1.2 of the origin. The train
    split has 4,096 points, val and test have 512 each, an eighth of them from each mode, in random
    order. The seed is fixed.

    Source: Metz et al., Unrolled generative adversarial networks, 2017; here the ring is half as
    large, and the deviation of the Gaussians is a twentieth of its radius.
    """
    draw = np.random.default_rng(_SEED)
    label = np.concatenate([draw.permutation(np.arange(rows) % MODES) for rows in _ROWS.values()])
    noise = draw.normal(0.0, DEVIATION, (len(label), 2))
    first, second, end = np.cumsum(list(_ROWS.values()))
    return Dataset(
        name="ring",
        arrays={"point": (centres()[label] + noise).astype(np.float32), "label": label},
        splits={
            "train": np.arange(first),
            "val": np.arange(first, second),
            "test": np.arange(second, end),
        },
        classes=tuple(f"mode {mode}" for mode in range(MODES)),
        stratify="label",
        source="package",
    )
