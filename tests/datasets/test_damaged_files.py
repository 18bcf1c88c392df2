"""Damaged data files: each loader gives arrays or one line, writes nothing and unpickles nothing.

`CASES` says how many files are generated for each kind, the same ones every time.
"""

import gzip
import io
import os
import pickle
import struct
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tuneyard.datasets import DataError, diabetes, image_folder, images, moving_digits, names

CASES = {"pictures": 800, "images": 400, "names": 200, "diabetes": 200, "published": 100}

ROWS = {"TRAIN": 60, "TEST": 20, "_VALIDATION": 20}  # of the image files here
FILES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
MIB = 1 << 20


def cases(kind: str) -> settings:
    return settings(
        max_examples=CASES[kind],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@st.composite
def damaged(draw: st.DrawFn, contents: dict[str, bytes]) -> tuple[str, bytes]:
    """One of the files by name: overwritten at some offsets, or cut short, or both."""
    name = draw(st.sampled_from(sorted(contents)))
    content = bytearray(contents[name])
    # every other offset is in the header, where more depends on a byte
    offsets = st.integers(0, len(content)) | st.integers(0, 64)
    for offset in draw(st.lists(offsets, max_size=6)):
        piece = draw(st.binary(min_size=1, max_size=4))
        content[offset : offset + len(piece)] = piece
    end = draw(st.just(len(content)) | st.integers(0, len(content)))
    return name, bytes(content[:end])


def listing(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def survives(load: Callable[[], object], folder: Path) -> object:
    """What `load` returns; None if it raises a DataError, which must be one line."""
    before, found, message = listing(folder), None, "none"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = load()
        except DataError as error:
            message = str(error)
    assert len(message.splitlines()) == 1
    assert len(message) < 700
    assert listing(folder) == before
    return found


# --- pictures


def all_pictures() -> dict[str, bytes]:
    """A small picture in each mode and format that Pillow writes."""
    Image.init()
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (12, 10, 3), dtype=np.uint8)
    contents = {}
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"):
        grey = Image.fromarray(draw.integers(0, 1 << 16, (12, 10), dtype=np.uint16))
        picture = grey if mode == "I;16" else Image.fromarray(pixels).convert(mode)
        for form in Image.SAVE:
            file = io.BytesIO()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    picture.save(file, form)
            except (OSError, ValueError, KeyError):
                continue
            contents[f"{mode.replace(';', '-')}.{form}"] = file.getvalue()
    return contents


PICTURES = all_pictures()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@cases("pictures")
@given(damaged(PICTURES))
def test_a_damaged_picture(folder: Path, picture: tuple[str, bytes]) -> None:
    path = folder / "picture.png"
    path.write_bytes(picture[1])
    found = survives(lambda: image_folder.read([path], 8), folder)
    assert found is None or (found.shape, found.dtype) == ((1, 3, 8, 8), np.uint8)
    path.unlink()


# --- MNIST's files


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def image_files() -> dict[str, bytes]:
    draw = np.random.default_rng(0)
    contents = {}
    for start, rows in (("train", ROWS["TRAIN"]), ("t10k", ROWS["TEST"])):
        contents[f"{start}-images-idx3-ubyte"] = idx(draw.integers(0, 256, (rows, 28, 28)))
        contents[f"{start}-labels-idx1-ubyte"] = idx(np.arange(rows) % 10)
    packed = {f"{name}.gz": gzip.compress(c, mtime=0) for name, c in contents.items()}
    return contents | packed


IMAGES = image_files()


@pytest.fixture
def mnist(tmp_path: Path) -> Iterator[Path]:
    """A folder of data with small files of MNIST, not packed."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name, content in IMAGES.items():
        if not name.endswith(".gz"):
            (folder / name).write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        for name, rows in ROWS.items():
            patch.setattr(images, name, rows)
        yield folder


@cases("images")
@given(damaged(IMAGES))
def test_a_damaged_file_of_images(mnist: Path, file: tuple[str, bytes]) -> None:
    (mnist / file[0]).write_bytes(file[1])  # the packed one is preferred
    survives(lambda: images.load("mnist", mnist.parent), mnist.parent)
    survives(lambda: moving_digits.load("mnist", mnist.parent), mnist.parent)
    name = file[0].removesuffix(".gz")
    (mnist / file[0]).unlink()
    (mnist / name).write_bytes(IMAGES[name])


def test_a_header_that_promises_too_much(mnist: Path) -> None:
    name = "train-images-idx3-ubyte"
    (mnist / name).write_bytes(struct.pack(">HBB3I", 0, 8, 3, 10_000, 10_000, 10_000))
    assert peak(lambda: refusal(lambda: images.load("mnist", mnist.parent))) < MIB


def test_a_label_that_is_alone(mnist: Path) -> None:
    label = np.zeros(ROWS["TRAIN"])
    label[3] = 7
    (mnist / "train-labels-idx1-ubyte").write_bytes(idx(label))
    message = refusal(lambda: images.load("mnist", mnist.parent))
    assert "each label of mnist must be in two rows or more, got 1 in 0" in message


# --- gzipped CSV files

SURNAMES = "".join(
    f'"{name}","{land}"\n' for name in ("Ångström", "Ito", "O'Neil") for land in "ABC"
)
WOMEN = "".join(f"{-0.5 + row / 100},0,1,-1,0.25,1e-3,0,0.125,{row % 2}\n" for row in range(20))
CSV = {name: {"packed": gzip.compress(text.encode(), mtime=0), "plain": text.encode()}
       for name, text in (("names", SURNAMES), ("diabetes", WOMEN))}  # fmt: skip


def write_csv(folder: Path, file: tuple[str, bytes]) -> Path:
    """Damaged before or after it was packed."""
    path = folder / "file.csv.gz"
    path.write_bytes(file[1] if file[0] == "packed" else gzip.compress(file[1], mtime=0))
    return path


@cases("names")
@given(damaged(CSV["names"]))
def test_a_damaged_file_of_names(folder: Path, file: tuple[str, bytes]) -> None:
    path = write_csv(folder, file)
    rows = survives(lambda: names.read(path), folder)
    assert rows is None or all(name.strip() and land.strip() for name, land in rows)
    if rows is not None:
        assert all(names.encode(name).max() < 127 for name, _ in rows)


@cases("diabetes")
@given(damaged(CSV["diabetes"]))
def test_a_damaged_file_of_diabetes(folder: Path, file: tuple[str, bytes]) -> None:
    path = write_csv(folder, file)
    arrays = survives(lambda: diabetes.read(path), folder)
    if arrays is not None:
        features, label = arrays
        assert np.abs(features).max() <= 1  # no NaN either
        assert set(np.unique(label)) <= {0, 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A" * 201 + ",English\n", "row 1 must have at most 200 characters in a column, got 201"),
        ("a,b\n" * (MIB + 1), f"must have at most {4 * MIB} bytes, unpacked, got more"),
    ],
    ids=["long", "many"],
)
def test_a_file_of_names_is_bounded(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "names.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert refusal(lambda: names.read(path)) == f"{path} {message}"


def load_published(data_dir: Path) -> None:
    """Both loaders whose files are known by their sha256."""
    for load in (names.load, diabetes.load):
        with pytest.raises(DataError, match="sha256 must be"):
            load(data_dir)


@cases("published")
@given(content=st.binary(max_size=500) | st.sampled_from(sorted(PICTURES.values())))
def test_another_file_by_the_name_of_a_published_one(folder: Path, content: bytes) -> None:
    for remote in (names.TRAIN, names.TEST, diabetes.FILE):
        (folder / remote.filename).write_bytes(content)
    survives(lambda: load_published(folder), folder)


# --- bombs


def peak(function: Callable[[], object]) -> int:
    """The most bytes that Python and NumPy hold while a function runs."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def refusal(load: Callable[[], object]) -> str:
    with pytest.raises(DataError) as error:
        load()
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_a_gzip_bomb_is_not_unpacked(mnist: Path, folder: Path) -> None:
    bomb = gzip.compress(bytes(100 * MIB), 6)
    header = IMAGES["train-images-idx3-ubyte"][:16]
    (mnist / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(header) + bomb)
    (folder / "bomb.csv.gz").write_bytes(bomb)
    loads = (
        lambda: images.load("mnist", mnist.parent),
        lambda: names.read(folder / "bomb.csv.gz"),
        lambda: diabetes.read(folder / "bomb.csv.gz"),
    )
    for load in loads:
        assert peak(lambda load=load: refusal(load)) < 16 * MIB  # type: ignore[misc]


class Bomb:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.target),)


def bombs(target: Path) -> dict[str, bytes]:
    """A pickle, and what NumPy and torch make of one."""
    import torch

    array = np.array([Bomb(target)], dtype=object)
    files = {kind: io.BytesIO() for kind in ("npy", "npz", "pt")}
    np.save(files["npy"], array)
    np.savez(files["npz"], data=array)
    torch.save(Bomb(target), files["pt"])
    return {"pickle": pickle.dumps(Bomb(target))} | {k: f.getvalue() for k, f in files.items()}


@pytest.mark.parametrize("kind", ["pickle", "npy", "npz", "pt"])
def test_a_pickle_bomb_is_refused_as_any_data_file(kind: str, mnist: Path, tmp_path: Path) -> None:
    target = tmp_path / "it-ran"
    content = bombs(target)[kind]
    for remote in (names.TRAIN, names.TEST, diabetes.FILE):
        (tmp_path / remote.filename).write_bytes(content)
    load_published(tmp_path)
    for packed in (content, gzip.compress(content)):
        (tmp_path / "file.csv.gz").write_bytes(packed)
        refusal(lambda: names.read(tmp_path / "file.csv.gz"))
        refusal(lambda: diabetes.read(tmp_path / "file.csv.gz"))
        for name in FILES:
            path = mnist / f"{name}-ubyte.gz"
            path.write_bytes(packed)
            assert str(path) in refusal(lambda: images.load("mnist", tmp_path))
            path.unlink()
    (tmp_path / "picture.png").write_bytes(content)
    refusal(lambda: image_folder.read([tmp_path / "picture.png"], 8))
    assert not target.exists()


@pytest.mark.parametrize("whole", [True, False])
def test_pickles_of_old_versions_of_torchvision_in_the_cache_are_not_read(
    whole: bool, mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Torchvision prefers them to the published files, and reads them when it downloads."""
    from torchvision.datasets import MNIST

    monkeypatch.setenv("TUNEYARD_CACHE", str(tmp_path))
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "MNIST" / "processed").mkdir(parents=True)
    for name in ("training.pt", "test.pt"):
        (tmp_path / "MNIST" / "processed" / name).write_bytes(bombs(tmp_path / "it-ran")["pt"])
    mnist.rename(tmp_path / "MNIST" / "raw")
    if whole:
        assert images.load("mnist").source == "cache"
    else:
        (tmp_path / "MNIST" / "raw" / f"{FILES[1]}-ubyte").unlink()
        assert "mnist could not be downloaded from" in refusal(lambda: images.load("mnist"))
    assert not (tmp_path / "it-ran").exists()
