"""Tests of the shipped data sets: their statistics, their splits, and invalid files."""

import csv
import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from tuneyard.datasets import DataError, airplane, diabetes, names
from tuneyard.datasets.source import RemoteFile, read_csv_gz


def write_gz(path: Path, *lines: str) -> Path:
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    return path


def texts(codes: np.ndarray) -> list[str]:
    return [bytes(row).rstrip(b"\0").decode("ascii") for row in codes]


def test_airplane_needs_no_file_and_splits_in_time_order() -> None:
    dataset = airplane.load()
    passengers = dataset.arrays["passengers"]
    assert passengers.shape == (144,)
    assert passengers.dtype == np.float32
    assert (passengers.min(), passengers.max()) == (104, 622)
    splits = [dataset.splits[split] for split in ("train", "val", "test")]
    assert [len(rows) for rows in splits] == [84, 24, 36]
    assert np.array_equal(np.concatenate(splits), np.arange(144))
    assert (dataset.source, dataset.stratify, dataset.classes) == ("package", None, ())


def test_a_recorded_fingerprint_never_changes() -> None:
    # Champions are compared only with models of the same fingerprint, so it must never change.
    assert airplane.load().fingerprint == (
        "2e83ebb253e7f66ffd70d3c16905442e91fcbd5f6a45027e80caa79df8bbb0d6"
    )


def test_airplane_is_as_published(data_dir: Path) -> None:
    rows = list(csv.reader((data_dir / "airplane_data.csv").read_text("latin-1").splitlines()))
    published = [(row[0], int(row[1])) for row in rows[1:] if len(row) == 2]
    months = [f"{year}-{month:02}" for year in range(1949, 1961) for month in range(1, 13)]
    assert published == list(zip(months, np.ravel(airplane.PASSENGERS).tolist(), strict=True))


def test_diabetes_is_as_described(data_dir: Path) -> None:
    dataset = diabetes.load(data_dir)
    features, label = dataset.arrays["features"], dataset.arrays["label"]
    assert (features.shape, label.shape) == ((759, 8), (759,))
    assert features.dtype == np.float32
    assert label.dtype == np.int64
    assert np.abs(features).max() == 1
    assert np.bincount(label).tolist() == [263, 496]
    assert {p: np.bincount(label[r]).tolist() for p, r in dataset.splits.items()} == {
        "train": [157, 298],
        "val": [53, 99],
        "test": [53, 99],
    }
    assert dataset.source == "folder"


def test_diabetes_label_0_means_diabetic(data_dir: Path) -> None:
    dataset = diabetes.load(data_dir)
    glucose, label = dataset.arrays["features"][:, 1], dataset.arrays["label"]
    diabetic, healthy = (glucose[label == dataset.classes.index(c)] for c in diabetes.CLASSES)
    assert diabetic.mean() > healthy.mean() + 0.3
    # The original's first row tested positive: 6 pregnancies (of 0 to 17), glucose 148 (to 199).
    assert dataset.arrays["features"][0, :2] == pytest.approx(
        [6 / 17 * 2 - 1, 148 / 199 * 2 - 1], rel=1e-5
    )
    assert diabetes.CLASSES[label[0]] == "diabetic"


GOOD = "0,0,0,0,0,0,0,0,1"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0,0,1", "row 2 must have 9 columns, got 3"),
        ("", "row 2 must have 9 columns, got 0"),
        ("0,0,x,0,0,0,0,0,1", "row 2 column 3 must be a number in [-1, 1], got 'x'"),
        ("nan,0,0,0,0,0,0,0,1", "row 2 column 1 must be a number in [-1, 1], got 'nan'"),
        ("0,inf,0,0,0,0,0,0,1", "row 2 column 2 must be a number in [-1, 1], got 'inf'"),
        ("0,0,0,0,0,0,0,1.5,1", "row 2 column 8 must be a number in [-1, 1], got '1.5'"),
        ("0,0,0,0,0,0,0,0,2", "row 2 column 9 must be 0 or 1, got '2'"),
    ],
)
def test_diabetes_refuses_a_bad_row(row: str, message: str, tmp_path: Path) -> None:
    path = write_gz(tmp_path / "d.csv.gz", GOOD, row, GOOD)
    with pytest.raises(DataError) as error:
        diabetes.read(path)
    assert str(error.value) == f"{path} {message}"


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"\xff", mtime=0), gzip.compress(b"1", mtime=0)[:-9]],
    ids=["no gzip", "no text", "cut short"],
)
def test_a_file_that_cannot_be_read_gives_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.csv\.gz cannot be read as a gzipped CSV file: "):
        read_csv_gz(path, columns=1)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must have rows, got none"):
        read_csv_gz(write_gz(tmp_path / "empty.csv.gz"), columns=1)


def test_names_are_as_described(data_dir: Path) -> None:
    dataset = names.load(data_dir)
    codes, length, label = (dataset.arrays[each] for each in ("name", "length", "label"))
    assert codes.shape == (20074, 19)
    assert codes.dtype == np.uint8
    assert length.dtype == label.dtype == np.int64
    assert (length.min(), length.max()) == (2, 19)
    assert np.array_equal((codes > 0).sum(axis=1), length)
    assert len(dataset.classes) == 18
    assert dataset.classes == tuple(sorted(dataset.classes))
    assert {p: len(rows) for p, rows in dataset.splits.items()} == {
        "train": 12036,
        "val": 1338,
        "test": 6700,
    }
    assert dataset.splits["test"].tolist() == list(range(13374, 20074))
    assert dataset.classes[label[0]] == "Czech"
    assert texts(codes[[0, 20073]]) == ["Adsit", "Zuraw"]


def test_every_country_has_its_share_of_the_validation_rows(data_dir: Path) -> None:
    dataset = names.load(data_dir)
    label = dataset.arrays["label"]
    shares = [
        np.bincount(label[rows], minlength=18) / len(rows)
        for rows in (dataset.splits["val"], dataset.pooled().splits["train"])
    ]
    assert np.abs(shares[0] - shares[1]).max() < 0.001
    assert (shares[0] > 0).all()


def test_as_many_test_names_as_documented_are_in_the_train_split(data_dir: Path) -> None:
    dataset = names.load(data_dir)
    text, label = texts(dataset.arrays["name"]), dataset.arrays["label"].tolist()
    known = dataset.pooled().splits["train"].tolist()
    rows = dataset.splits["test"].tolist()
    spelled, paired = {text[r] for r in known}, {(text[r], label[r]) for r in known}
    assert sum(text[r] in spelled for r in rows) == 1048
    assert sum((text[r], label[r]) in paired for r in rows) == 773
    trained = {text[r] for r in dataset.splits["train"]}
    assert sum(text[r] in trained for r in dataset.splits["val"]) == 195


def test_names_refuses_a_row_without_a_name(tmp_path: Path) -> None:
    path = write_gz(tmp_path / "n.csv.gz", '"Smith","English"', '" ","Czech"')
    with pytest.raises(DataError) as error:
        names.read(path)
    assert str(error.value) == f"{path} row 2 must have a name and a country, got ' ', 'Czech'"


def test_names_refuses_a_country_that_is_in_the_test_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for which, country in (("TRAIN", "English"), ("TEST", "Elvish")):
        path = write_gz(tmp_path / f"{which}.csv.gz", *[f"Name,{country}"] * 20)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        monkeypatch.setattr(names, which, RemoteFile(path.name, "http://127.0.0.1:9", sha256))
    with pytest.raises(DataError, match=r"TEST.csv.gz must have countries of .*, got 'Elvish'$"):
        names.load(tmp_path)
