"""Eight Gaussians on a ring: what a generator that has lost modes can't hide on."""

import numpy as np
import numpy.typing as npt

from tuneyard.datasets.dataset import Dataset

MODES = 8
RADIUS = 1.0
DEVIATION = 0.05  # of each Gaussian, along both axes

_ROWS = {"train": 4096, "val": 512, "test": 512}  # multiples of MODES
_SEED = 0


def centres() -> npt.NDArray[np.float32]:
    """The middles of the modes, (8, 2): mode k lies k eighths of a turn from the first axis."""
    angles = np.arange(MODES) * (2 * np.pi / MODES)
    return (RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(np.float32)


def load() -> Dataset:
    """5,120 generated points: `point` (5120, 2) float32 within about 1.2, `label` (5120,) int64.

    The label is the point's mode, 0 to 7. Train has 4,096 points, validation and test 512 each,
    an eighth of them from each mode, in random order. The seed is fixed.

    Source: the test of Metz et al., Unrolled generative adversarial networks, 2017, with a ring
    half as large and Gaussians as wide as a twentieth of its radius.
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
