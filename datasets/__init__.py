"""Data sets: raw arrays with splits and a fingerprint; one module per data set, with a `load`."""

from tuneyard.datasets.data import Data
from tuneyard.datasets.dataset import Dataset, Split
from tuneyard.datasets.source import DataError

__all__ = ["Data", "DataError", "Dataset", "Split"]
