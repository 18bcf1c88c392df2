"""Data sets: raw arrays with splits and a fingerprint; one module per data set, with a `load`."""

from tuneyard.datasets.dataset import Dataset, Split
from tuneyard.datasets.source import DataError

__all__ = ["DataError", "Dataset", "Split"]
