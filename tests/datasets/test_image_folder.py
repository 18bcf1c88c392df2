"""Tests of folders of pictures: how they are loaded, and one-line messages for invalid ones."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tuneyard.datasets import DataError, image_folder


@pytest.fixture
def folder(pictures: Path, tmp_path: Path) -> Path:
    """A copy of the pictures that a test can modify."""
    return Path(shutil.copytree(pictures, tmp_path / "pictures"))


def test_the_moving_digits_are_as_described(pictures: Path) -> None:
    data = image_folder.load(str(pictures))
    image, label = data.arrays["image"], data.arrays["label"]
    assert image.shape == (48, 3, 224, 224)
    assert image.dtype == np.uint8
    assert data.classes == ("blue", "green", "red")
    assert label.tolist() == [0] * 16 + [1] * 16 + [2] * 16
    # the brightest channel is that of the class
    assert (2 - image.mean((2, 3)).argmax(1) == label).all()
    assert [len(rows) for rows in data.splits.values()] == [28, 10, 10]
    for rows in data.splits.values():
        assert np.bincount(label[rows]).min() >= 3
    assert data.source == "folder"
    assert data.fingerprint == image_folder.load(str(pictures)).fingerprint


def test_the_central_square_is_kept(tmp_path: Path) -> None:
    """A wide picture is cropped at the sides, and a high one at top and bottom."""
    wide = np.zeros((40, 120, 3), dtype=np.uint8)
    wide[:, 40:80] = 200
    for number, pixels in enumerate((wide, wide.transpose(1, 0, 2))):
        Image.fromarray(np.ascontiguousarray(pixels)).save(tmp_path / f"{number}.png")
    paths = [tmp_path / "0.png", tmp_path / "1.png"]
    # scaling mixes a pixel at the edge with its neighbour
    assert (image_folder.read(paths, 20)[..., 1:-1, 1:-1] == 200).all()


def test_pictures_of_any_kind_are_red_green_and_blue(tmp_path: Path) -> None:
    grey = Image.fromarray(np.full((30, 30), 77, dtype=np.uint8))
    for mode in ("L", "P", "RGBA", "1", "CMYK"):
        grey.convert(mode).save(tmp_path / f"{mode}.tiff")
    image = image_folder.read(sorted(tmp_path.iterdir()), 16)
    assert image.shape == (5, 3, 16, 16)


def test_a_rotated_picture_is_turned_upright(tmp_path: Path) -> None:
    pixels = np.zeros((30, 30, 3), dtype=np.uint8)
    pixels[:10] = 255  # the top is white
    picture = Image.fromarray(pixels)
    exif = picture.getexif()
    exif[0x0112] = 3  # rotated by half a turn
    picture.save(tmp_path / "turned.png", exif=exif)
    image = image_folder.read([tmp_path / "turned.png"], 30)
    assert image[0, :, -10:].min() == 255
    assert image[0, :, :20].max() == 0


def test_a_link_that_leads_back_repeats_no_picture(folder: Path) -> None:
    before = image_folder.load(str(folder), side=8)
    (folder / "red" / "again").symlink_to(folder / "red")
    assert image_folder.load(str(folder), side=8).fingerprint == before.fingerprint


def test_a_relative_folder_is_looked_up_in_the_data_folder_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = image_folder.load("pictures", folder.parent, side=8)
    monkeypatch.setenv("TUNEYARD_DATA", str(folder.parent))
    assert image_folder.load("pictures", side=8).fingerprint == there.fingerprint
    monkeypatch.delenv("TUNEYARD_DATA")
    monkeypatch.chdir(folder.parent)
    assert image_folder.load("pictures", side=8).fingerprint == there.fingerprint


def emptied(folder: Path) -> None:
    for picture in (folder / "red").iterdir():
        picture.unlink()


def few(folder: Path) -> None:
    for picture in sorted((folder / "red").iterdir())[4:]:
        picture.unlink()


def no_picture(folder: Path) -> None:
    (folder / "red" / "7.png").write_text("no picture")


def torn(folder: Path) -> None:
    path = folder / "green" / "3.png"
    path.write_bytes(path.read_bytes()[:500])


def one_class(folder: Path) -> None:
    shutil.rmtree(folder / "red")
    shutil.rmtree(folder / "green")


def no_class(folder: Path) -> None:
    one_class(folder)
    shutil.rmtree(folder / "blue")


def in_parts(folder: Path) -> None:
    for split in ("train", "val"):
        (folder / split).mkdir()
    for name in ("red", "green", "blue"):
        (folder / name).rename(folder / "train" / name)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (emptied, "red must have 5 pictures or more, got 0; add some, or remove the folder"),
        (few, "red must have 5 pictures or more, got 4; add some, or remove the folder"),
        (no_picture, r"red/7\.png cannot be read as a picture: .*; convert or delete it"),
        (torn, r"green/3\.png cannot be read as a picture: .*; convert or delete it"),
        (one_class, "must have a folder for each of two classes or more, got only blue"),
        (no_class, "must have a folder for each of two classes or more, got none"),
        (in_parts, "must have a folder for each class, got splits: train, val; name one of them"),
    ],
)
def test_a_bad_folder_is_refused_on_one_line(
    spoil: Callable[[Path], None], message: str, folder: Path
) -> None:
    spoil(folder)
    with pytest.raises(DataError, match=message) as error:
        image_folder.load(str(folder), side=8)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (None, "name a folder of pictures, with a folder for each class, with --data"),
        ("/nowhere", "data must be a folder that exists, got '/nowhere'"),
    ],
)
def test_a_folder_must_be_named_and_exist(choice: str | None, message: str) -> None:
    with pytest.raises(DataError) as error:
        image_folder.load(choice)
    assert str(error.value) == message
