"""The Pima Indians diabetes data: eight measurements of a woman, and whether she had diabetes."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tuneyard.datasets.dataset import Dataset
from tuneyard.datasets.source import PYTORCH_LEARNING, DataError, RemoteFile, fetch, read_csv_gz

FILE = RemoteFile(
    filename="diabetes.csv.gz",
    url=PYTORCH_LEARNING + "diabetes.csv.gz",
    sha256="398214d0f6b7f4a722f598d8e424f28bc078abbd16ebdeea0f8e264492325aa4",
)

# The file inverts the label of the original data (1: tested positive). Its first row is the first
# of the original (6 pregnancies, glucose 148), a positive test, which is labelled 0 here; and label
# 0 has the higher mean glucose.
CLASSES = ("diabetic", "not diabetic")

_FEATURES = 8
_SPLIT_SEED = 0


def load(data_dir: Path | None = None) -> Dataset:
    """Loads 759 women in file order: `features` (759, 8) float32 in [-1, 1], `label` (759,) int64.

    The features, each scaled by the publisher, are pregnancies, glucose, blood pressure, skin fold,
    insulin, body mass index, pedigree and age. Label 0 is diabetic (263 rows), 1 is not (496 rows).
    The splits are fixed and stratified: 455 rows for train, 152 for val and 152 for test.

    Args:
        data_dir: a folder that is searched first for `diabetes.csv.gz`.

    Raises:
        DataError: the file is not available, or a row is not as described.

    Source: Smith et al., Using the ADAP learning algorithm to forecast the onset of diabetes
    mellitus, 1988; the file is that of the Pytorch-Learning course.
    """
    from sklearn.model_selection import train_test_split

    path, source = fetch(FILE, data_dir)
    features, label = read(path)
    rest, test = train_test_split(
        np.arange(len(label)), test_size=0.2, random_state=_SPLIT_SEED, stratify=label
    )
    train, validation = train_test_split(
        rest, test_size=len(test), random_state=_SPLIT_SEED, stratify=label[rest]
    )
    return Dataset(
        name="diabetes",
        arrays={"features": features, "label": label},
        splits={"train": train, "val": validation, "test": test},
        classes=CLASSES,
        stratify="label",
        source=source,
    )


def read(path: Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Reads the file: features (n, 8) float32 in [-1, 1], label (n,) int64 in {0, 1}.

    Raises:
        DataError: the file cannot be read, or a row (counted from 1) is not as described.
    """
    rows = read_csv_gz(path, columns=_FEATURES + 1)
    features = np.empty((len(rows), _FEATURES), dtype=np.float32)
    label = np.empty(len(rows), dtype=np.int64)
    for number, row in enumerate(rows):
        where = f"{path} row {number + 1}"
        for column, text in enumerate(row[:-1]):
            features[number, column] = _scaled(text, f"{where} column {column + 1}")
        if row[-1] not in ("0", "1"):
            raise DataError(f"{where} column {_FEATURES + 1} must be 0 or 1, got {row[-1]!r}")
        label[number] = int(row[-1])
    return features, label


def _scaled(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -1 <= value <= 1:  # also true for NaN
        raise DataError(f"{where} must be a number in [-1, 1], got {text!r}")
    return value
