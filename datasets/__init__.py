"""Data sets: raw, split arrays with a fingerprint. One module a data set, each with a `load`."""

from tuneyard.datasets.dataset import Dataset, Split
from tuneyard.datasets.source import DataError

__all__ = ["DataError", "Dataset", "Split"]
