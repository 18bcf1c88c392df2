"""Files from a local folder, the cache or a download, always verified by their sha256."""

import csv
import gzip
import io
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Source = Literal["folder", "cache", "download"]

PYTORCH_LEARNING = (
    "https://raw.githubusercontent.com/EricPengShuai/Pytorch-Learning/"
    "528caf054bd2c779f6953b89313d2794e48eccfe/dataset/"
)
"""The course's data folder, pinned to one commit."""

MOST_BYTES = 4 << 20  # of a CSV file, unpacked; the largest of ours has 240 kB
MOST_LETTERS = 200  # of one of its strings

TIMEOUT = 30.0  # seconds, for the connection and between two packets
_REMEDY = "put it into a folder and name the folder with --data-dir or TUNEYARD_DATA"


class DataError(Exception):
    """A data file is not available or not readable; the message is one line with the remedy."""


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch: its file name, its address, and its sha256 in hex."""

    filename: str
    url: str
    sha256: str


def fetch(file: RemoteFile, data_dir: Path | None = None) -> tuple[Path, Source]:
    """Finds `file` in a local folder or in the cache, or downloads it into the cache.

    The local folder is `data_dir`, or else that of the environment variable `TUNEYARD_DATA`. The
    cache is the folder named by `TUNEYARD_CACHE`, or else the operating system's cache folder of
    the user, see `cache_folder`.

    Returns:
        The path of the verified file, and where it was found.

    Raises:
        DataError: the folder does not exist, its file has another sha256, a file or the cache
            cannot be read or written, or the download failed. A failed download leaves no file.
    """
    local = _in_folder(file, data_dir)
    if local is not None:
        return local, "folder"
    cache = cache_folder()
    cached = cache / file.filename
    if _sha256(file, cached) == file.sha256:
        return cached, "cache"
    return _download(file, cache), "download"


def read_csv_gz(path: Path, columns: int) -> list[list[str]]:
    """Reads a gzipped CSV file without header; each row has `columns` strings.

    Raises:
        DataError: the file cannot be read, is empty, has over 4 MiB unpacked, or a row (counted
            from 1) has another number of columns, or a string of over 200 characters.
    """
    try:
        with gzip.open(path) as packed:
            content = packed.read(MOST_BYTES + 1)  # a packed file can be a thousand times larger
        if len(content) > MOST_BYTES:
            raise failure(f"{path} must have at most {MOST_BYTES} bytes, unpacked, got more")
        rows = []
        for number, row in enumerate(csv.reader(io.StringIO(content.decode(), newline="")), 1):
            if len(row) != columns:
                raise failure(f"{path} row {number} must have {columns} columns, got {len(row)}")
            longest = max(map(len, row))
            if longest > MOST_LETTERS:
                rule = f"have at most {MOST_LETTERS} characters in a column, got {longest}"
                raise failure(f"{path} row {number} must {rule}")
            rows.append(row)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise failure(f"{path} cannot be read as a gzipped CSV file: {error}") from error
    if not rows:
        raise failure(f"{path} must have rows, got none")
    return rows


def joined(*sources: Source) -> str:
    """The sources of several files as one word: `folder`, or `folder+download` if they differ."""
    return "+".join(dict.fromkeys(sources))


def local_folder(data_dir: Path | None, wanted: str) -> Path | None:
    """The folder that is searched first: `data_dir` or that of ``TUNEYARD_DATA``, if any.

    Args:
        data_dir: a folder, or None.
        wanted: the needed files, with their address, for the error message.

    Raises:
        DataError: there is no such folder.
    """
    environment = os.environ.get("TUNEYARD_DATA")
    if data_dir is None and not environment:
        return None
    named = "--data-dir" if data_dir is not None else "TUNEYARD_DATA"
    folder = Path(data_dir or environment or "").expanduser()
    if not folder.is_dir():
        raise failure(
            f"{named} must be a folder that exists, got {folder}; "
            f"create it and put {wanted} there, or leave {named} out"
        )
    return folder


def cache_folder() -> Path:
    """The folder of downloads: ``TUNEYARD_CACHE``, or else the user's cache folder.

    Where that can be neither found nor made, it is a folder among the temporary files.

    Raises:
        DataError: another user has made the folder among the temporary files.
    """
    import pooch

    named = os.environ.get("TUNEYARD_CACHE")
    if named:
        return Path(named).expanduser()
    try:
        folder = Path(pooch.os_cache("tuneyard"))
        there = next(place for place in (folder, *folder.parents) if place.exists())
        if there.is_dir() and (there == folder or os.access(there, os.W_OK)):
            return folder
    except (OSError, RuntimeError):  # there is no home folder, or it is closed
        pass
    return _temporary_cache()


def _temporary_cache() -> Path:
    folder = Path(tempfile.gettempdir(), f"tuneyard-{os.getuid()}", "cache")
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    if folder.parent.stat().st_uid != os.getuid():
        raise DataError(
            f"{folder.parent} belongs to another user, and there is no other folder for downloads; "
            "name one with TUNEYARD_CACHE"
        )
    return folder


def failure(message: str) -> DataError:
    """A DataError whose message is one line."""
    return DataError(" ".join(message.split()))


def _in_folder(file: RemoteFile, data_dir: Path | None) -> Path | None:
    folder = local_folder(data_dir, f"{file.filename} from {file.url}")
    if folder is None:
        return None
    path = folder / file.filename
    found = _sha256(file, path)
    if found is None:
        return None
    if found != file.sha256:
        raise failure(
            f"{path} is not the file of {file.url}: sha256 must be {file.sha256}, got {found}; "
            f"replace it, or delete it so that it is downloaded"
        )
    return path


def _download(file: RemoteFile, cache: Path) -> Path:
    import pooch

    downloader = pooch.HTTPDownloader(timeout=TIMEOUT)
    try:
        with _quiet():
            # pooch rejects a file with another sha256 and deletes what it has written
            path = pooch.retrieve(
                file.url, f"sha256:{file.sha256}", file.filename, cache, downloader=downloader
            )
    except (OSError, ValueError) as error:  # the errors of requests are OSErrors
        # The cause of a "max retries exceeded" is nested; the outer message is long and says less.
        reason = str(getattr(error.args[0] if error.args else error, "reason", error)).rstrip(".")
        raise failure(
            f"{file.filename} could not be downloaded from {file.url}: {reason}; {_REMEDY}"
        ) from error
    return Path(path)


@contextmanager
def _quiet() -> Iterator[None]:
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def _sha256(file: RemoteFile, path: Path) -> str | None:
    """The sha256 of the file at `path`; None if there is none."""
    import pooch

    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise failure(f"{path} must be a file; get it from {file.url}, {_REMEDY}")
        return str(pooch.file_hash(str(path)))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise failure(
            f"{path} cannot be read: {error}; get it from {file.url}, {_REMEDY}"
        ) from error
