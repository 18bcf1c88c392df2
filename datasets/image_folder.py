"""Any folder of pictures with one folder per class, scaled to one size."""

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tuneyard.datasets.dataset import Dataset
from tuneyard.datasets.source import DataError, failure

if TYPE_CHECKING:
    from PIL import Image

SIDE = 224  # pixels, the size that torchvision's networks were trained on
LEAST = 5  # pictures of a class: three for train, one for val, one for test

ENDINGS = (
    *(".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"),  # torchvision's
    *(".avif", ".gif", ".jfif", ".jp2", ".tga"),
)
"""The endings of the files that are read, in any case; which format it is, their content says."""

_SPLIT_SEED = 0
_RUNS_A_PROGRAM = {"EPS"}  # Ghostscript, on whatever the file says
_SPLIT_NAMES = {"train", "training", "val", "valid", "test"}


def load(choice: str | None, data_dir: Path | None = None, side: int = SIDE) -> Dataset:
    """Loads pictures: `image` (n, 3, side, side) uint8 in RGB order, and `label` (n,) int64.

    Each subfolder is a class, in alphabetical order, with all files in it and in its own subfolders
    whose names end as in `ENDINGS`, each once. A picture is rotated upright, scaled so that its
    shorter side is `side`, and cropped to the square in its centre. The splits are fixed and
    stratified: a fifth is val, a fifth test.

    Grey values of 16 bits (or 12, in TIFF) keep their upper 8. What is transparent shows white. Of
    an animation or several pages, the first is read.

    Args:
        choice: the folder; a relative path is looked up in the data folder first, then in the
            current directory.
        data_dir: the data folder; None means that of TUNEYARD_DATA.
        side: the height and width of the images in pixels.

    Raises:
        DataError: there is no such folder, it has fewer than two classes, a class has fewer than
            five pictures, or a picture cannot be read: it is broken, has more than 178 million
            pixels, or has grey values of 32 bits or in floating point, of unknown range.
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
    found = ImageFolder(
        str(folder), is_valid_file=lambda path: path.lower().endswith(ENDINGS), allow_empty=True
    )
    # links to folders are followed, and one that leads back would repeat each picture forty times
    files: dict[tuple[str, int], str] = {}
    for path, target in found.samples:
        files.setdefault((os.path.realpath(path), target), path)
    label = np.array([target for _, target in files], dtype=np.int64)
    counts = np.bincount(label, minlength=len(names))
    if counts.min() < LEAST:
        name = found.classes[counts.argmin()]
        raise failure(
            f"{folder / name} must have {LEAST} pictures or more, got {counts.min()}; add some, or "
            "remove the folder"
        )
    return [Path(path) for path in files.values()], label, tuple(found.classes)


def read(paths: Sequence[Path], side: int) -> npt.NDArray[np.uint8]:
    """Reads pictures at one size, (n, 3, side, side), as `load` describes.

    Raises:
        DataError: a picture cannot be read.
    """
    from PIL import Image

    Image.init()  # all formats, not only the common ones; before threads do it
    image = np.empty((len(paths), 3, side, side), dtype=np.uint8)

    def read_row(row: int) -> None:
        image[row] = _square(paths[row], side).transpose(2, 0, 1)

    with warnings.catch_warnings():
        # metadata out of order, large pictures: the pixels are read all the same
        warnings.filterwarnings("ignore", module=r"PIL\.")
        # decoding and scaling release the global interpreter lock
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(read_row, range(len(paths))))
    return image


def _square(path: Path, side: int) -> npt.NDArray[np.uint8]:
    from PIL import Image, ImageOps

    if not path.is_file():  # a pipe would be waited for
        raise failure(f"{path} must be a file; delete it")
    try:
        formats = [name for name in Image.OPEN if name not in _RUNS_A_PROGRAM]
        with Image.open(path, formats=formats) as picture:
            picture.load()
            coloured = _coloured(_upright(picture))
        return np.asarray(ImageOps.fit(coloured, (side, side), Image.Resampling.BILINEAR))
    except Exception as error:
        # any kind: Pillow's readers of some forty formats let out what a broken file makes of them
        reason = str(error) or type(error).__name__
        raise failure(
            f"{path} cannot be read as a picture: {reason}; convert or delete it"
        ) from error


def _upright(picture: "Image.Image") -> "Image.Image":
    """The picture, turned as its EXIF block says; a block that is out of order says nothing."""
    from PIL import ImageOps

    # Pillow raises SyntaxError, struct.error, TypeError and others here, and rewrites the block
    # after it has turned the picture
    with suppress(Exception):
        ImageOps.exif_transpose(picture, in_place=True)
    return picture


def _coloured(picture: "Image.Image") -> "Image.Image":
    """The picture in RGB: 16 bits as 8, and what is transparent as if it lay on white paper.

    Raises:
        ValueError: its values have no known range, or cannot be converted.
    """
    from PIL import Image

    # Pillow reads portable maps of 16 bits as I, scaled to 65,535
    if picture.mode.startswith("I;16") or (picture.mode, picture.format) == ("I", "PPM"):
        pixels = np.asarray(picture) >> (_bits(picture) - 8)
        return Image.fromarray(pixels.astype(np.uint8)).convert("RGB")
    if picture.mode in ("I", "F"):
        raise ValueError(
            "its values, of 32 bits or in floating point, have no known range; 8 or 16 bits have"
        )
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    paper = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(paper, picture.convert("RGBA")).convert("RGB")


def _bits(picture: "Image.Image") -> int:
    """The bits of a grey value: 16, or fewer in a TIFF file, whose values Pillow does not scale."""
    from PIL.TiffImagePlugin import BITSPERSAMPLE, TiffImageFile

    return picture.tag_v2[BITSPERSAMPLE][0] if isinstance(picture, TiffImageFile) else 16


def _folder(choice: str | None, data_dir: Path | None) -> Path:
    if choice is None:
        raise DataError("name a folder of pictures, with a folder for each class, with --data")
    beside = data_dir or os.environ.get("TUNEYARD_DATA")
    named = Path(choice).expanduser()
    for folder in (*([Path(beside).expanduser() / named] if beside else []), named):
        if folder.is_dir():
            return folder
    raise failure(f"data must be a folder that exists, got {choice!r}")
