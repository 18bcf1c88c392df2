"""The surnames of 18 countries as ASCII codes, and the encoding of any other name."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from anyascii import anyascii

from tuneyard.datasets.dataset import Dataset
from tuneyard.datasets.source import (
    PYTORCH_LEARNING,
    DataError,
    RemoteFile,
    fetch,
    joined,
    read_csv_gz,
)

TRAIN = RemoteFile(
    filename="names_train.csv.gz",
    url=PYTORCH_LEARNING + "names_train.csv.gz",
    sha256="49b4bf41dce5bfeac989b46ca37cf7baccd9a0d2a855df82f86de67a9376268f",
)
TEST = RemoteFile(
    filename="names_test.csv.gz",
    url=PYTORCH_LEARNING + "names_test.csv.gz",
    sha256="57d7758db533a42c99d513b2341a7e7b0f55c1e0e7d233b1ef6a4fa2f1adf753",
)

_VALIDATION_FOLDS = 10  # the val split is one of them, a tenth of the training file


def load(data_dir: Path | None = None) -> Dataset:
    """Loads 20,074 surnames: 13,374 rows of the training file, then 6,700 of the test file.

    Arrays: `name` (20074, 19) uint8, ASCII codes padded with zeros at the end; `length` (20074,)
    int64, the number of letters, in [2, 19]; `label` (20074,) int64, the index of the country in
    `classes`, the sorted countries of the training file.

    The test split is the published test file, and the val split a fixed, stratified tenth of the
    training file. As published, 1,048 rows of the test file (15.6%) have a name that is also in the
    training file, 773 of them with the same country, most of these Arabic. The val split repeats
    names of the train split in the same way (195 of its rows), so it measures the same as the test
    split; both overestimate a model a little.

    Args:
        data_dir: a folder that is searched first for the two files.

    Raises:
        DataError: a file is not available, a row is not as described, or the test file has a
            country that is not in the training file.

    Source: the surnames of the PyTorch tutorial on classifying names with a recurrent network; the
    division into two files is that of the Pytorch-Learning course.
    """
    train_path, train_source = fetch(TRAIN, data_dir)
    test_path, test_source = fetch(TEST, data_dir)
    train, test = read(train_path), read(test_path)
    classes = tuple(sorted({country for _, country in train}))
    unknown = sorted({country for _, country in test}.difference(classes))
    if unknown:
        raise DataError(f"{test_path} must have countries of {train_path}, got {unknown[0]!r}")

    codes = [encode(name) for name, _ in train + test]
    width = max(map(len, codes))
    rows = len(codes)
    return Dataset(
        name="names",
        arrays={
            "name": np.stack([np.pad(code, (0, width - len(code))) for code in codes]),
            "length": np.array([len(code) for code in codes], dtype=np.int64),
            "label": np.array([classes.index(country) for _, country in train + test]),
        },
        splits={
            "train": np.arange(len(train)),
            "val": np.arange(0),
            "test": np.arange(len(train), rows),
        },
        classes=classes,
        stratify="label",
        source=joined(train_source, test_source),
    ).fold(0, _VALIDATION_FOLDS)


def read(path: Path) -> list[tuple[str, str]]:
    """Reads the rows of a file, each a surname and a country.

    Raises:
        DataError: the file cannot be read, or a row (counted from 1) has an empty name or country.
    """
    rows = []
    for number, (name, country) in enumerate(read_csv_gz(path, columns=2), start=1):
        if not _printable(name) or not country.strip():
            raise DataError(
                f"{path} row {number} must have a name and a country, got {name!r}, {country!r}"
            )
        rows.append((name, country.strip()))
    return rows


def encode(name: str, width: int | None = None) -> npt.NDArray[np.uint8]:
    """Encodes a name as ASCII codes in [32, 126], (letters,) or zero-padded (width,).

    Letters outside ASCII are transliterated by the anyascii library, as in Müller to Muller and
    Иванов to Ivanov. Blanks at both ends are removed, and other runs of blanks become one space.
    Upper and lower case are kept. The names of the data set are encoded in the same way.

    Args:
        name: a name in any script.
        width: the length to pad to; None means no padding.

    Raises:
        ValueError: no letter is left of the name, or more letters than `width`.
    """
    text = _printable(name)
    if not text:
        raise ValueError(f"name must have at least one letter, got {name!r}")
    if width is not None and len(text) > width:
        raise ValueError(f"name must have at most {width} letters, got {len(text)} in {text!r}")
    codes = np.zeros(len(text) if width is None else width, dtype=np.uint8)
    codes[: len(text)] = np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    return codes


def _printable(name: str) -> str:
    """A name as printable ASCII; control characters become blanks, since code 0 is padding."""
    ascii_text = anyascii(name)
    return " ".join("".join(c if c.isprintable() else " " for c in ascii_text).split())
