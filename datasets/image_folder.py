"""Any folder of pictures with one folder per class, scaled to one size."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tuneyard.datasets.dataset import Dataset
from tuneyard.datasets.source import DataError, failure

SIDE = 224  # pixels, the size that torchvision's networks were trained on
LEAST = 5  # pictures of a class: three for train, one for val, one for test

_SPLIT_SEED = 0
_SPLIT_NAMES = {"train", "training", "val", "valid", "test"}


def load(choice: str | None, data_dir: Path | None = None, side: int = SIDE) -> Dataset:
    """Loads pictures: `image` (n, 3, side, side) uint8 in RGB order, and `label` (n,) int64.

    Each subfolder is a class, in alphabetical order, with all pictures in it and in its own
    subfolders. A picture is rotated upright, scaled so that its shorter side is `side`, and cropped
    to the square in its centre. The splits are fixed and stratified: a fifth is val, a fifth test.

    Args:
        choice: the folder; a relative path is looked up in the data folder first, then in the
            current directory.
        data_dir: the data folder; None means that of TUNEYARD_DATA.
        side: the height and width of the images in pixels.

    Raises:
        DataError: there is no such folder, it has fewer than two classes, a class has fewer than
            five pictures, or a picture cannot be read.
    """
    from sklearn.model_selection import train_test_split

    folder = _folder(choice, data_dir)
    paths, label, classes = find(folder)
    rest, test = train_test_split(
        np.arange(len(label)), test_size=0.2, random_state=_SPLIT_SEED, stratify=label
    )
    train, validation = train_test_split(
        rest, test_size=len(test), random_state=_SPLIT_SEED, stratify=label[rest]
    )
    return Dataset(
        name=folder.name,
        arrays={"image": read(paths, side), "label": label},
        splits={"train": train, "val": validation, "test": test},
        classes=classes,
        stratify="label",
        source="folder",
    )


def find(folder: Path) -> tuple[list[Path], npt.NDArray[np.int64], tuple[str, ...]]:
    """Finds the pictures of a folder, the class (n,) of each, and the names of the classes.

    Raises:
        DataError: see `load`.
    """
    from torchvision.datasets import ImageFolder

    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    if len(names) < 2:
        found = f"only {names[0]}" if names else "none"
        raise failure(f"{folder} must have a folder for each of two classes or more, got {found}")
    if _SPLIT_NAMES.issuperset(name.lower() for name in names):
        raise failure(
            f"{folder} must have a folder for each class, got splits: {', '.join(names)}; name one "
            f"of them, such as {folder / names[0]}, which is then split again"
        )
    found = ImageFolder(str(folder), allow_empty=True)
    label = np.array(found.targets, dtype=np.int64)
    counts = np.bincount(label, minlength=len(names))
    if counts.min() < LEAST:
        name = found.classes[counts.argmin()]
        raise failure(
            f"{folder / name} must have {LEAST} pictures or more, got {counts.min()}; add some, or "
            "remove the folder"
        )
    return [Path(path) for path, _ in found.samples], label, tuple(found.classes)


def read(paths: Sequence[Path], side: int) -> npt.NDArray[np.uint8]:
    """Reads pictures at one size, (n, 3, side, side).

    Raises:
        DataError: a picture cannot be read.
    """
    image = np.empty((len(paths), 3, side, side), dtype=np.uint8)

    def read_row(row: int) -> None:
        image[row] = _square(paths[row], side).transpose(2, 0, 1)

    # decoding and scaling release the global interpreter lock
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(read_row, range(len(paths))))
    return image


def _square(path: Path, side: int) -> npt.NDArray[np.uint8]:
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as picture:
            upright = ImageOps.exif_transpose(picture).convert("RGB")
        return np.asarray(ImageOps.fit(upright, (side, side), Image.Resampling.BILINEAR))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        # not all of Pillow's own errors are OSErrors
        raise failure(f"{path} cannot be read as a picture: {error}; delete it") from error


def _folder(choice: str | None, data_dir: Path | None) -> Path:
    if choice is None:
        raise DataError("name a folder of pictures, with a folder for each class, with --data")
    beside = data_dir or os.environ.get("TUNEYARD_DATA")
    named = Path(choice).expanduser()
    for folder in (*([Path(beside).expanduser() / named] if beside else []), named):
        if folder.is_dir():
            return folder
    raise failure(f"data must be a folder that exists, got {choice!r}")
