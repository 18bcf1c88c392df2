"""Tests of the image data sets: statistics, the search for files, and invalid files."""

import functools
import gzip
import hashlib
import struct
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision.datasets import FashionMNIST

from tuneyard.datasets import DataError, images

TRAIN, TEST, VALIDATION = 100, 40, 20
NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def idx(array: np.ndarray) -> bytes:
    """An array of bytes in the format of the published files."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def contents() -> dict[str, bytes]:
    """Four small files by name, with random images and labels in cyclic order."""
    draw = np.random.default_rng(0)
    files = {}
    for start, count in (("train", TRAIN), ("t10k", TEST)):
        image = draw.integers(0, 256, (count, 28, 28))
        files[f"{start}-images-idx3-ubyte"] = idx(image)
        files[f"{start}-labels-idx1-ubyte"] = idx(np.arange(count) % 10)
    return files


def write(folder: Path, *, packed: bool = True, **changed: bytes) -> Path:
    """The four files in a folder, gzipped or not; `changed` by the first word of their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents().items():
        content = changed.get("_".join(name.split("-")[:2]), content)
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of 100 and 40 images in place of 60,000 and 10,000."""
    monkeypatch.setattr(images, "TRAIN", TRAIN)
    monkeypatch.setattr(images, "TEST", TEST)
    monkeypatch.setattr(images, "_VALIDATION", VALIDATION)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("TUNEYARD_CACHE", str(folder))
    return folder


class Handler(SimpleHTTPRequestHandler):
    """A mirror of the files, which can be made to stall."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        time.sleep(self.server.stall)  # type: ignore[attr-defined]
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Writes nothing, so that the captured output is that of the code under test."""


class Mirror(ThreadingHTTPServer):
    asked: list[str]
    stall = 0.0


@pytest.fixture
def mirror(
    tmp_path: Path, small: None, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Mirror]:
    """A server with Fashion-MNIST's files, which torchvision uses as the publisher's."""
    served = write(tmp_path / "served")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Mirror(("127.0.0.1", 0), functools.partial(Handler, directory=str(served))) as running:
        running.asked = []
        running.handle_error = lambda *_: None  # type: ignore[method-assign]
        md5s = [
            (f"{name}.gz", hashlib.md5((served / f"{name}.gz").read_bytes()).hexdigest())
            for name in NAMES
        ]
        monkeypatch.setattr(FashionMNIST, "mirrors", [f"http://127.0.0.1:{running.server_port}/"])
        monkeypatch.setattr(FashionMNIST, "resources", md5s)
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def refusal(choice: str = "mnist", data_dir: Path | None = None) -> str:
    """The message of the error raised by loading, which is one line."""
    with pytest.raises(DataError) as error:
        images.load(choice, data_dir)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    return message


def test_digits_are_scikit_learns_enlarged() -> None:
    from sklearn.datasets import load_digits

    data = images.load("digits")
    image, label = data.arrays["image"], data.arrays["label"]
    digits = load_digits()
    assert (image.shape, image.dtype, label.dtype) == ((1797, 28, 28), np.uint8, np.int64)
    assert np.array_equal(label, digits.target)
    assert np.array_equal(np.rint(image[:, 3:26:3, 3:26:3] / 255 * 16), digits.images)
    assert (image[:, 3:26:3, 3:26:3] == image[:, 4:26:3, 2:26:3]).all()
    inside = image[:, 2:26, 2:26]
    assert image.sum() == inside.sum()
    assert image.max() == 255
    assert (data.name, data.source, data.classes) == ("digits", "package", tuple("0123456789"))


def test_the_splits_of_the_digits_never_change() -> None:
    data = images.load("digits")
    label = data.arrays["label"]
    assert {split: len(rows) for split, rows in data.splits.items()} == {
        "train": 1077,
        "val": 360,
        "test": 360,
    }
    for rows in data.splits.values():
        assert np.abs(np.bincount(label[rows]) - len(rows) / 10).max() <= 4
    # champions are compared only with models of the same fingerprint
    assert data.fingerprint.startswith("60f5acaa")


def test_mnist_is_as_published(data_dir: Path) -> None:
    data = images.load(None, data_dir)
    image, label = data.arrays["image"], data.arrays["label"]
    assert (image.shape, image.dtype, label.dtype) == ((70000, 28, 28), np.uint8, np.int64)
    assert (data.name, data.classes, data.source) == ("mnist", tuple("0123456789"), "folder")
    assert len(data.splits["train"]) == 55000
    assert len(data.splits["val"]) == 5000
    assert np.array_equal(data.splits["test"], np.arange(60000, 70000))
    assert label[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert label[60000:60010].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(label[60000:]).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    train, validation = (np.bincount(label[data.splits[p]]) for p in ("train", "val"))
    assert np.abs(validation - train / 11).max() <= 1


@pytest.mark.parametrize("choice", ["mnist", "fashion-mnist", "kmnist"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_folder_named_like_the_choice(
    choice: str, packed: bool, small: None, cache: Path, tmp_path: Path
) -> None:
    write(tmp_path / "data" / choice, packed=packed)
    data = images.load(choice, tmp_path / "data")
    assert data.source == "folder"
    assert data.name == choice
    assert len(data.classes) == 10
    assert data.arrays["image"].shape == (TRAIN + TEST, 28, 28)
    raw = [contents()[f"{start}-images-idx3-ubyte"][16:] for start in ("train", "t10k")]
    assert data.arrays["image"].tobytes() == b"".join(raw)
    assert data.arrays["label"].tolist() == [*(np.arange(TRAIN) % 10), *(np.arange(TEST) % 10)]
    assert {split: len(rows) for split, rows in data.splits.items()} == {
        "train": TRAIN - VALIDATION,
        "val": VALIDATION,
        "test": TEST,
    }
    assert not cache.exists()


def test_torchvisions_own_layout_and_the_environment(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "KMNIST" / "raw", packed=False)
    monkeypatch.setenv("TUNEYARD_DATA", str(tmp_path))
    assert images.load("kmnist").source == "folder"
    monkeypatch.setenv("TUNEYARD_DATA", str(tmp_path / "gone"))
    assert "TUNEYARD_DATA must be a folder that exists" in refusal("kmnist")


def test_it_is_downloaded_once_and_then_cached(
    mirror: Mirror, cache: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    first = images.load("fashion-mnist", tmp_path / "empty")
    assert first.source == "download"
    assert first.classes[0] == "T-shirt/top"
    # torchvision requests each file twice, first to follow redirects, then for its content
    assert set(mirror.asked) == {f"/{name}.gz" for name in NAMES}
    mirror.asked.clear()
    again = images.load("fashion-mnist")
    assert again.source == "cache"
    assert again.fingerprint == first.fingerprint
    assert mirror.asked == []
    assert (cache / "FashionMNIST" / "raw" / NAMES[0]).is_file()
    assert capfd.readouterr() == ("", "")


def test_a_folder_without_all_files_is_skipped(mirror: Mirror, tmp_path: Path) -> None:
    (write(tmp_path / "data" / "fashion-mnist") / f"{NAMES[3]}.gz").unlink()
    assert images.load("fashion-mnist", tmp_path / "data").source == "download"


def test_an_incomplete_cache_is_completed(mirror: Mirror, cache: Path) -> None:
    images.load("fashion-mnist")
    plain = cache / "FashionMNIST" / "raw" / NAMES[2]
    plain.write_bytes(plain.read_bytes()[:99])
    assert images.load("fashion-mnist").source == "download"
    assert len(plain.read_bytes()) == 16 + TEST * 784


@pytest.mark.parametrize("what", ["missing", "another md5", "stalled"])
def test_a_failed_download_gives_one_line(
    what: str, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = tmp_path / "served" / f"{NAMES[1]}.gz"
    if what == "missing":
        served.unlink()
    elif what == "another md5":
        served.write_bytes(served.read_bytes() + b"x")
    else:
        monkeypatch.setattr(images, "TIMEOUT", 0.2)
        mirror.stall = 0.6
    message = refusal("fashion-mnist")
    assert message.startswith(
        f"fashion-mnist could not be downloaded from {FashionMNIST.mirrors[0]}"
    )
    if what != "stalled":
        assert f"{NAMES[1]}.gz" in message
    assert "--data-dir or TUNEYARD_DATA" in message
    assert "--data digits" in message
    mirror.stall = 0.0
    write(tmp_path / "served")
    monkeypatch.setattr(images, "TIMEOUT", 30.0)
    assert images.load("fashion-mnist").source == "download"


IMAGES, LABELS = contents()[NAMES[0]], contents()[NAMES[1]]


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        (0, b"", "start with the bytes 00000803 of the IDX format, got none"),
        (0, b"PNG!" + IMAGES[4:], "start with the bytes 00000803 of the IDX format, got 504e4721"),
        (0, LABELS, "start with the bytes 00000803 of the IDX format, got 00000801"),
        (0, IMAGES[:10], "hold an array of shape (100, 28, 28), got ?"),
        (0, idx(np.zeros((60, 28, 28))), "hold an array of shape (100, 28, 28), got (60, 28, 28)"),
        (0, IMAGES[:-1], f"be {16 + TRAIN * 784} bytes long, unpacked, got {15 + TRAIN * 784}"),
        (0, IMAGES + b"x", f"be {16 + TRAIN * 784} bytes long, unpacked, got"),
        (1, idx(np.zeros(99)), "hold an array of shape (100,), got (99,)"),
        (1, LABELS[:-3], "be 108 bytes long, unpacked, got 105"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_a_file_of_the_folder_that_is_not_as_described(
    file: int, content: bytes, problem: str, packed: bool, small: None, tmp_path: Path
) -> None:
    folder = write(tmp_path / "mnist", packed=packed)
    path = folder / (NAMES[file] + ".gz" * packed)
    path.write_bytes(gzip.compress(content) if packed else content)
    message = refusal(data_dir=tmp_path)
    assert message.startswith(f"{path} must {problem}")
    assert "get it from https://" in message


def test_a_truncated_gzip_file(small: None, tmp_path: Path) -> None:
    path = write(tmp_path / "mnist") / f"{NAMES[0]}.gz"
    path.write_bytes(path.read_bytes()[:-500])
    assert refusal(data_dir=tmp_path).startswith(f"{path} cannot be read as a gzipped file")


def test_a_label_that_is_not_a_class(small: None, tmp_path: Path) -> None:
    labels: Any = np.arange(TRAIN) % 10
    labels[7] = 10
    write(tmp_path / "mnist", train_labels=idx(labels))
    assert "labels of mnist must be in [0, 9], got 10 in row 7" in refusal(data_dir=tmp_path)
