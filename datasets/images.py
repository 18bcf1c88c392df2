"""Images of 28 x 28 in ten classes: MNIST, Fashion-MNIST, KMNIST, and scikit-learn's digits."""

import gzip
import io
import math
import socket
import struct
import zlib
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tuneyard.datasets.dataset import Dataset
from tuneyard.datasets.source import (
    TIMEOUT,
    DataError,
    Source,
    cache_folder,
    failure,
    local_folder,
)

if TYPE_CHECKING:
    from torchvision.datasets import MNIST

CHOICES = ("mnist", "fashion-mnist", "kmnist", "digits")
"""The data sets; the first is the default, and the last needs no file."""

SIZE = 28  # pixels a side
CLASSES = 10
TRAIN, TEST = 60_000, 10_000  # images in each of the published files

_VALIDATION = 5_000
_SPLIT_SEED = 0

Bytes = npt.NDArray[np.uint8]


def load(choice: str | None = None, data_dir: Path | None = None) -> Dataset:
    """Loads grey images: `image` (n, 28, 28) uint8, bright on black, and `label` (n,) int64.

    mnist, fashion-mnist, kmnist: 70,000 images, first the 60,000 of the training files, then the
    10,000 of the test files, which are the test split. The val split is a fixed, stratified sample
    of 5,000 training images.

    digits: 1,797 handwritten digits of 8 x 8 pixels in 17 grey levels. Each pixel is enlarged to
    3 x 3, with a border of two black pixels, so that the networks for MNIST fit. The splits are
    fixed and stratified: 1,077 for train, 360 for val, 360 for test. The images are part of
    scikit-learn and need no file.

    Args:
        choice: one of `CHOICES`; None means mnist.
        data_dir: a folder that is searched first for the four published files, gzipped or not, in a
            subfolder named like the choice, or in torchvision's own ``MNIST/raw``.

    Raises:
        DataError: the files are not available, or not as described.

    Source: LeCun et al., Gradient-based learning applied to document recognition, 1998; Xiao et
    al., Fashion-MNIST, 2017; Clanuwat et al., Deep Learning for Classical Japanese Literature,
    2018; Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, 1998.
    """
    choice = choice or CHOICES[0]
    assert choice in CHOICES, choice
    return _digits() if choice == "digits" else _published(choice, data_dir)


def _digits() -> Dataset:
    from sklearn.datasets import load_digits

    pixels, label = load_digits(return_X_y=True)
    greys = np.rint(pixels.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    image = np.pad(greys.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    label = label.astype(np.int64)
    rest, test = _split(np.arange(len(label)), label, 360)
    train, validation = _split(rest, label, 360)
    return Dataset(
        name="digits",
        arrays={"image": image, "label": label},
        splits={"train": train, "val": validation, "test": test},
        classes=tuple(str(digit) for digit in range(CLASSES)),
        stratify="label",
        source="package",
    )


def _published(choice: str, data_dir: Path | None) -> Dataset:
    loader = _loader(choice)
    address = loader.mirrors[0]
    (train_image, train_label, test_image, test_label), source = _arrays(loader, choice, data_dir)
    label = np.concatenate([train_label, test_label]).astype(np.int64)
    if label.max() >= CLASSES:
        raise failure(
            f"the labels of {choice} must be in [0, {CLASSES - 1}], got {label.max()} in row "
            f"{label.argmax()}; get its files from {address}"
        )
    counts = np.bincount(train_label, minlength=CLASSES)
    if counts.min() < 2:  # one for each side of the split
        raise failure(
            f"each label of {choice} must be in two rows or more, got {counts.argmin()} in "
            f"{counts.min()}; get its files from {address}"
        )
    train, validation = _split(np.arange(TRAIN), label, _VALIDATION)
    return Dataset(
        name=choice,
        arrays={"image": np.concatenate([train_image, test_image]), "label": label},
        splits={
            "train": train,
            "val": validation,
            "test": np.arange(TRAIN, TRAIN + TEST),
        },
        classes=tuple(name.partition(" - ")[0] for name in loader.classes),  # "0 - zero"
        stratify="label",
        source=source,
    )


def _split(
    rows: npt.NDArray[np.int64], label: npt.NDArray[np.int64], count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Splits rows into two groups, stratified by class; the second one has `count` rows."""
    from sklearn.model_selection import train_test_split

    rest, taken = train_test_split(
        rows, test_size=count, random_state=_SPLIT_SEED, stratify=label[rows]
    )
    return rest, taken


def _loader(choice: str) -> "type[MNIST]":
    """Torchvision's class for a choice, which knows the mirrors and the classes."""
    from torchvision import datasets

    classes: dict[str, type[MNIST]] = {
        "mnist": datasets.MNIST,
        "fashion-mnist": datasets.FashionMNIST,
        "kmnist": datasets.KMNIST,
    }
    return classes[choice]


def _arrays(
    loader: "type[MNIST]", choice: str, data_dir: Path | None
) -> tuple[list[Bytes], Source]:
    """Reads the four files, in the order of `_shapes`, and says where they were found."""
    address = loader.mirrors[0]
    folder = local_folder(data_dir, f"a folder {choice} with the four files from {address}")
    found = _in_folder(folder, loader, choice) if folder else None
    if found is not None:
        return _read_all(found, address), "folder"
    raw = cache_folder() / loader.__name__ / "raw"
    cached = [raw / name for name in _shapes()]
    with suppress(DataError):
        return _read_all(cached, address), "cache"
    _download(loader, choice, cached)
    return _read_all(cached, address), "download"


def _shapes() -> dict[str, tuple[int, ...]]:
    """The four files and the shape of the array that each holds."""
    return {
        "train-images-idx3-ubyte": (TRAIN, SIZE, SIZE),
        "train-labels-idx1-ubyte": (TRAIN,),
        "t10k-images-idx3-ubyte": (TEST, SIZE, SIZE),
        "t10k-labels-idx1-ubyte": (TEST,),
    }


def _in_folder(folder: Path, loader: "type[MNIST]", choice: str) -> list[Path] | None:
    """The four files in the order of `_shapes`; None if a file is missing."""
    for place in (folder / choice, folder / loader.__name__ / "raw"):
        found = [
            next((path for path in (place / f"{name}.gz", place / name) if path.is_file()), None)
            for name in _shapes()
        ]
        present = [path for path in found if path is not None]
        if len(present) == len(found):
            return present
    return None


def _read_all(paths: list[Path], address: str) -> list[Bytes]:
    return [_read(p, shape, address) for p, shape in zip(paths, _shapes().values(), strict=True)]


def _read(path: Path, shape: tuple[int, ...], address: str) -> Bytes:
    """Reads an IDX file of bytes, gzipped or not, which must hold an array of this shape.

    No more is unpacked than the array needs, whatever the file says of its size.

    Raises:
        DataError: the file cannot be read, or holds something else.
    """
    header = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
    wanted = len(header) + math.prod(shape)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(wanted + 1)
    except (OSError, EOFError, zlib.error) as error:
        kind = " as a gzipped file" if path.suffix == ".gz" else ""
        raise failure(f"{path} cannot be read{kind}: {error}; get it from {address}") from error
    start = content[: len(header)]
    if start[:4] != header[:4]:
        problem = f"start with the bytes {header[:4].hex()} of the IDX format, got"
        problem += f" {start[:4].hex() or 'none'}"
    elif start != header:
        counts = struct.unpack(f">{len(shape)}I", start[4:]) if len(start) == len(header) else "?"
        problem = f"hold an array of shape {shape}, got {counts}"
    elif len(content) != wanted:
        got = "more" if len(content) > wanted else len(content)
        problem = f"be {wanted} bytes long, unpacked, got {got}"
    else:
        return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)
    raise failure(f"{path} must {problem}; get it from {address}")


def _download(loader: "type[MNIST]", choice: str, paths: list[Path]) -> None:
    """Downloads and verifies those of the four files that the cache lacks, without output."""
    address = loader.mirrors[0]
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # torchvision sets no timeout
    try:
        for path, shape in zip(paths, _shapes().values(), strict=True):
            if not _is_whole(path, shape, address):
                path.unlink(missing_ok=True)  # torchvision keeps existing files
        # not initialized, for that would read the pickled files of older versions of torchvision
        downloader = object.__new__(loader)
        downloader.root = paths[0].parents[2]
        with redirect_stderr(io.StringIO()):
            downloader.download()
    except (OSError, EOFError, RuntimeError, ValueError) as error:
        raise failure(
            f"{choice} could not be downloaded from {address}: {error}; put its four files into a "
            f"folder {choice} and name the folder that holds it with --data-dir or TUNEYARD_DATA, "
            "or take --data digits, which needs no file"
        ) from error
    finally:
        socket.setdefaulttimeout(timeout)


def _is_whole(path: Path, shape: tuple[int, ...], address: str) -> bool:
    try:
        _read(path, shape, address)
    except DataError:
        return False
    return True
