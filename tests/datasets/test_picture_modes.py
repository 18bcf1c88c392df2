"""Tests of pictures in every mode and format that Pillow writes: their pixels, or one line."""

import os
import struct
import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tuneyard.datasets import DataError, image_folder

DARK, BRIGHT = (40, 90, 160), (210, 160, 30)
WHITE = (255, 255, 255)
LOSSY = {"AVIF": 6, "JPEG": 4, "JPEG2000": 4, "MPO": 4, "WEBP": 6, "GIF": 0}
NOT_READ = {"EPS", "PALM", "PDF"}  # a program draws it, or Pillow only writes it
# what Pillow 13 writes wrong: without its palette, and with its bytes swapped
BROKEN = {("P", "ICNS"), ("I;16B", "JPEG2000")}

Colour = tuple[int, ...]


def grey(value: int) -> Colour:
    return (value, value, value)


# the left and the right half of a picture in a mode, and what they are in red, green and blue
HALVES: dict[str, tuple[object, object, Colour, Colour]] = {
    "1": (0, 1, grey(0), grey(255)),
    "L": (40, 200, grey(40), grey(200)),
    "LA": ((40, 255), (200, 0), grey(40), WHITE),
    "P": (0, 1, DARK, BRIGHT),
    "PA": ((0, 255), (1, 0), DARK, WHITE),
    "RGB": (DARK, BRIGHT, DARK, BRIGHT),
    "RGBA": ((*DARK, 255), (*BRIGHT, 0), DARK, WHITE),
    "RGBX": ((*DARK, 0), (*BRIGHT, 255), DARK, BRIGHT),
    "CMYK": ((215, 165, 95, 0), (45, 95, 225, 0), DARK, BRIGHT),
    "YCbCr": ((40, 128, 128), (200, 128, 128), grey(40), grey(200)),
    "HSV": ((0, 0, 40), (0, 0, 200), grey(40), grey(200)),
    "I;16": (10_300, 51_300, grey(40), grey(200)),
    "I;16B": (10_300, 51_300, grey(40), grey(200)),
    "I;16L": (10_300, 51_300, grey(40), grey(200)),
    "I": (10_300, 51_300, grey(40), grey(200)),
    "F": (0.0, 1.0, grey(0), grey(255)),
    "LAB": ((40, 128, 128), (200, 128, 128), grey(39), grey(194)),
}


def halves(mode: str) -> Image.Image:
    """A picture of 64 x 64 with two halves."""
    left, right, *_ = HALVES[mode]
    picture = Image.new(mode, (64, 64), left)  # type: ignore[arg-type]
    if mode in ("P", "PA"):
        picture.putpalette([*DARK, *BRIGHT])
    # pasting a colour of 16 bits would paste its low byte twice
    picture.paste(Image.new(mode, (32, 64), right), (32, 0))  # type: ignore[arg-type]
    return picture


def written() -> Iterator[tuple[str, str, bytes]]:
    """Each mode and format that Pillow writes, and the file."""
    Image.init()
    for mode in HALVES:
        for form in sorted(set(Image.SAVE) - NOT_READ):
            file = BytesIO()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # IM is deprecated
                    halves(mode).save(file, form)
            except (OSError, ValueError, KeyError):
                continue  # not written in this mode, or not at all
            if (mode, form) not in BROKEN:
                yield mode, form, file.getvalue()


def stored(content: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(BytesIO(content))


def has_no_range(content: bytes) -> bool:
    picture = stored(content)
    return picture.mode == "F" or (picture.mode == "I" and picture.format != "PPM")


WRITTEN = list(written())
SIXTEEN = {"I", "I;16", "I;16B", "I;16L", "F"}


def read(path: Path, side: int = 16) -> np.ndarray:
    """The picture (side, side, 3)."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return image_folder.read([path], side)[0].transpose(1, 2, 0)


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as error:
        read(path)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(str(path))
    return message


def both_halves(path: Path) -> list[Colour]:
    pixels = read(path)
    return [tuple(int(c) for c in pixels[8, column]) for column in (4, 12)]


@pytest.mark.parametrize(
    ("mode", "form", "content"),
    [
        pytest.param(*each, id=f"{each[0]}-{each[1]}")
        for each in WRITTEN
        if not has_no_range(each[2])
        # the writer itself has cut these to 8 bits
        and not (each[0] in SIXTEEN and stored(each[2]).mode in ("L", "P", "RGB"))
    ],
)
def test_every_mode_and_format_has_its_colours(
    mode: str, form: str, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "picture"
    path.write_bytes(content)
    left, right = HALVES[mode][2:]
    if "A" in mode and not stored(content).has_transparency_data:
        # the writer has left the transparency away
        right = tuple(int(c) for c in np.asarray(halves(mode).convert("RGB"))[32, 48])
    found = np.array(both_halves(path))
    assert np.abs(found - [left, right]).max() <= LOSSY.get(form, 1)


@pytest.mark.parametrize(
    ("mode", "form", "content"),
    [pytest.param(*each, id=f"{each[0]}-{each[1]}") for each in WRITTEN if has_no_range(each[2])],
)
def test_values_of_unknown_range_are_refused(
    mode: str, form: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "picture").write_bytes(content)
    message = refusal(tmp_path / "picture")
    assert message.endswith(
        "cannot be read as a picture: its values, of 32 bits or in floating point, have no known "
        "range; 8 or 16 bits have; convert or delete it"
    )


def test_twelve_bits_of_a_tiff_file_are_scaled_too(tmp_path: Path) -> None:
    """As microscopes and scanners write them; Pillow reads them, and does not write them."""
    tags = [(256, 2), (257, 1), (258, 12), (259, 1), (262, 1), (273, 122), (277, 1), (278, 1)]
    tags += [(279, 3)]
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    header = b"II*\0" + struct.pack("<IH", 8, len(tags)) + directory + bytes(4)
    path = tmp_path / "twelve.tif"
    for pixels, value in ((b"\x80\x08\x00", 0x80), (b"\xff\xff\xff", 0xFF)):
        path.write_bytes(header + pixels)  # two of 12 bits each
        assert Image.open(path).mode == "I;16"
        assert (read(path) == value).all()


def test_a_grey_that_is_transparent_shows_white(tmp_path: Path) -> None:
    for mode, key in (("L", 200), ("RGB", BRIGHT), ("P", 1), ("P", bytes([255, 0]))):
        halves(mode).save(tmp_path / "key.png", transparency=key)
        left, right = both_halves(tmp_path / "key.png")
        assert (left, right) == (HALVES[mode][2], WHITE)


def test_of_an_animation_the_first_picture_is_read(tmp_path: Path) -> None:
    first, second = halves("RGB"), Image.new("RGB", (64, 64), "green")
    for form in ("GIF", "PNG", "WEBP", "TIFF", "AVIF"):
        path = tmp_path / form
        first.save(path, form, save_all=True, append_images=[second], duration=100)
        assert np.abs(np.array(both_halves(path)) - [DARK, BRIGHT]).max() <= LOSSY.get(form, 1)


BLOCKS = {
    "text": b"no EXIF at all",
    "cut": b"II*\0\x08\0\0\0\xff\xff",
    "far": b"II*\0\xff\xff\xff\x7f",
    "count": b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\x7f\xff\xff\xff\xff\xff\xff\xff\0\0",
    "fraction": b"MM\0*\0\0\0\x08\0\1\x01\x12\0\5\0\0\0\1\0\0\0\x1a" + bytes(12),
    "letters": b"II*\0\x08\0\0\0\1\0\x12\1\2\0\4\0\0\0ABC\0\0\0\0\0",
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_malformed_exif_block_is_passed_over(block: bytes, form: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    halves("RGB").save(path, form, exif=b"Exif\0\0" + block)
    assert np.abs(np.array(both_halves(path)) - [DARK, BRIGHT]).max() <= LOSSY.get(form, 1)


def test_too_many_pixels_are_refused_and_many_are_no_noise(tmp_path: Path) -> None:
    Image.new("1", (12_000, 8_000), 1).save(tmp_path / "large.png")
    assert read(tmp_path / "large.png").min() == 255
    width = struct.pack(">I", 2_000_000_000)
    small = (tmp_path / "large.png").read_bytes()
    (tmp_path / "huge.png").write_bytes(small[:16] + width + small[20:])
    assert "cannot be read as a picture" in refusal(tmp_path / "huge.png")
    bitmap = BytesIO()
    Image.new("L", (10, 10)).save(bitmap, "BMP")
    header = bitmap.getvalue()[:18] + struct.pack("<ii", 1 << 20, 1 << 20)
    (tmp_path / "huge.bmp").write_bytes(header + bitmap.getvalue()[26:])
    assert "exceeds limit of" in refusal(tmp_path / "huge.bmp")


def postscript(path: Path) -> None:
    path.write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    )


@pytest.mark.parametrize("make", [Path.touch, postscript])
def test_no_picture_is_refused_and_no_program_runs(
    make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PostScript by the name of a picture, Pillow calls Ghostscript."""
    ghostscript = tmp_path / "bin" / "gs"
    ghostscript.parent.mkdir()
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path / 'it-ran'}\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", str(ghostscript.parent), prepend=os.pathsep)
    make(tmp_path / "picture.png")
    assert "cannot identify image file" in refusal(tmp_path / "picture.png")
    assert not (tmp_path / "it-ran").exists()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "picture.png")
    assert refusal(tmp_path / "picture.png").endswith("must be a file; delete it")


def test_the_content_says_which_format_it_is(tmp_path: Path) -> None:
    halves("RGB").save(tmp_path / "picture.jpg", "PNG")
    assert both_halves(tmp_path / "picture.jpg") == [DARK, BRIGHT]


def test_all_endings_are_found(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for ending in image_folder.ENDINGS:
            halves("RGB").save(tmp_path / name / f"picture{ending.upper()}", "PNG")
        (tmp_path / name / "notes.txt").write_text("no picture")
    data = image_folder.load(str(tmp_path), side=4)
    assert len(data.arrays["label"]) == 2 * len(image_folder.ENDINGS)
