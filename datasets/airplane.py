"""The airplane series: monthly totals of international airline passengers, 1949 to 1960."""

from pathlib import Path

import numpy as np

from tuneyard.datasets.dataset import Dataset

# Thousands of passengers, one row per year from 1949, January to December: series G of Box and
# Jenkins, Time Series Analysis: Forecasting and Control.
PASSENGERS = (
    (112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118),
    (115, 126, 141, 135, 125, 149, 170, 170, 158, 133, 114, 140),
    (145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166),
    (171, 180, 193, 181, 183, 218, 230, 242, 209, 191, 172, 194),
    (196, 196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201),
    (204, 188, 235, 227, 234, 264, 302, 293, 259, 229, 203, 229),
    (242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278),
    (284, 277, 317, 313, 318, 374, 413, 405, 355, 306, 271, 306),
    (315, 301, 356, 348, 355, 422, 465, 467, 404, 347, 305, 336),
    (340, 318, 362, 348, 363, 435, 491, 505, 404, 359, 310, 337),
    (360, 342, 406, 396, 420, 472, 548, 559, 463, 407, 362, 405),
    (417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432),
)

_VALIDATION, _TEST, _END = 84, 108, 144  # January 1956, January 1958, the end


def load(data_dir: Path | None = None) -> Dataset:  # noqa: ARG001 - every `load` takes it
    """Loads the series in time order: `passengers`, (144,) float32, in [104, 622].

    The values are thousands of passengers per month. The train split is 1949 to 1955 (84 months),
    val is 1956 and 1957 (24 months), and test is 1958 to 1960 (36 months).

    Args:
        data_dir: not used: the figures are part of the package, so no file is needed.

    Source: Box and Jenkins, Time Series Analysis: Forecasting and Control, series G.
    """
    return Dataset(
        name="airplane",
        arrays={"passengers": np.array(PASSENGERS, dtype=np.float32).ravel()},
        splits={
            "train": np.arange(_VALIDATION),
            "val": np.arange(_VALIDATION, _TEST),
            "test": np.arange(_TEST, _END),
        },
        classes=(),
        stratify=None,
        source="package",
    )
