"""Tests of fetching files from a folder, the cache or a real server, always verified."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from logging.handlers import BufferingHandler
from pathlib import Path

import pooch
import pytest

from tuneyard.datasets import DataError, source
from tuneyard.datasets.source import RemoteFile, fetch

CONTENT = b"surname,country\n" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG = hashlib.sha256(b"something else").hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves all of CONTENT at /whole and half of it at /truncated, and stalls at /stalled."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        folder = self.path.split("/")[1]
        if folder == "missing":
            self.send_error(404)
            return
        if folder == "stalled":
            time.sleep(1)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2] if folder == "truncated" else CONTENT)

    def log_message(self, *_: object) -> None:
        """Writes nothing, so that the captured output is that of the code under test."""


class Server(ThreadingHTTPServer):
    asked: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def file(self, folder: str, sha256: str = SHA256) -> RemoteFile:
        return RemoteFile("names.csv", f"{self.url}/{folder}/names.csv", sha256)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        running.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("TUNEYARD_CACHE", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


def refusal(file: RemoteFile, data_dir: Path | None = None) -> str:
    """The message of the DataError raised by fetching: one line with the file and its address."""
    with pytest.raises(DataError) as error:
        fetch(file, data_dir)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    assert file.filename in message
    assert file.url in message
    return message


def assert_empty(cache: Path) -> None:
    assert not cache.exists() or list(cache.iterdir()) == []


def test_it_is_downloaded_once_and_then_cached(server: Server, cache: Path) -> None:
    file = server.file("whole")
    assert fetch(file) == (cache / "names.csv", "download")
    assert fetch(file) == (cache / "names.csv", "cache")
    assert (cache / "names.csv").read_bytes() == CONTENT
    assert server.asked == ["/whole/names.csv"]


def test_a_download_is_silent_and_restores_the_logger(
    server: Server, cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logger = pooch.get_logger()
    level, handler = logger.level, BufferingHandler(100)
    logger.addHandler(handler)
    try:
        fetch(server.file("whole"))
    finally:
        logger.removeHandler(handler)
    assert handler.buffer == []
    assert logger.level == level
    assert capfd.readouterr() == ("", "")


def test_a_folder_is_searched_first(
    server: Server, cache: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = server.file("whole")
    fetch(file)
    (folder / "names.csv").write_bytes(CONTENT)
    assert fetch(file, folder) == (folder / "names.csv", "folder")

    monkeypatch.setenv("TUNEYARD_DATA", str(folder))
    assert fetch(file) == (folder / "names.csv", "folder")
    other = tmp_path / "other"
    other.mkdir()
    assert fetch(file, other) == (cache / "names.csv", "cache"), (
        "data_dir goes before TUNEYARD_DATA"
    )

    monkeypatch.chdir(folder)
    monkeypatch.setenv("TUNEYARD_DATA", ".")
    assert fetch(file)[1] == "folder"
    monkeypatch.setenv("TUNEYARD_DATA", "")
    assert fetch(file)[1] == "cache"


def test_a_folder_without_the_file_is_skipped(server: Server, cache: Path, folder: Path) -> None:
    file = server.file("whole")
    assert fetch(file, folder) == (cache / "names.csv", "download")
    assert list(folder.iterdir()) == []


def test_a_file_of_the_folder_with_another_sha256_is_refused(
    server: Server, cache: Path, folder: Path
) -> None:
    fetch(server.file("whole"))
    (folder / "names.csv").write_bytes(b"something else")
    message = refusal(server.file("whole"), folder)
    assert f"sha256 must be {SHA256}, got {WRONG}" in message
    assert str(folder / "names.csv") in message
    assert "replace it" in message


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused(
    make: Callable[[Path], None], server: Server, cache: Path, folder: Path
) -> None:
    make(folder / "names.csv")
    assert f"{folder / 'names.csv'} must be a file; get it" in refusal(server.file("whole"), folder)


@pytest.mark.parametrize("by", ["--data-dir", "TUNEYARD_DATA"])
def test_a_folder_that_does_not_exist_is_refused(
    by: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    monkeypatch.setenv("TUNEYARD_DATA", str(gone))
    message = refusal(server.file("whole"), gone if by == "--data-dir" else None)
    assert message.startswith(f"{by} must be a folder that exists, got {gone};")
    assert server.asked == []


@pytest.mark.parametrize(
    ("where", "sha256", "reason"),
    [
        ("whole", WRONG, f"expected sha256:{WRONG} but got {SHA256}"),
        ("missing", SHA256, "404 Client Error"),
        ("truncated", SHA256, "IncompleteRead"),
        ("stalled", SHA256, "Read timed out"),
    ],
)
def test_a_failed_download_leaves_no_file(
    where: str,
    sha256: str,
    reason: str,
    server: Server,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source, "TIMEOUT", 0.3)
    message = refusal(server.file(where, sha256))
    assert message.startswith("names.csv could not be downloaded from")
    assert reason in message
    assert message.endswith(
        "put it into a folder and name the folder with --data-dir or TUNEYARD_DATA"
    )
    assert_empty(cache)


def test_a_server_that_is_away_costs_one_line(
    cache: Path, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    message = refusal(RemoteFile("names.csv", f"http://127.0.0.1:{free_port()}/names.csv", SHA256))
    assert "Connection refused" in message
    assert "Max retries" not in message
    assert message.endswith("--data-dir or TUNEYARD_DATA")
    assert_empty(cache)


def test_an_invalid_cached_file_is_downloaded_again(server: Server, cache: Path) -> None:
    cache.mkdir()
    (cache / "names.csv").write_bytes(CONTENT[:100])
    assert fetch(server.file("whole")) == (cache / "names.csv", "download")
    assert (cache / "names.csv").read_bytes() == CONTENT


def test_an_invalid_cached_file_is_never_used(server: Server, cache: Path) -> None:
    cache.mkdir()
    (cache / "names.csv").write_bytes(CONTENT[:100])
    assert "404" in refusal(server.file("missing"))


def test_a_cache_that_cannot_be_made_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TUNEYARD_CACHE", str(tmp_path / "file" / "cache"))
    refusal(server.file("whole"))


def test_without_a_home_that_can_be_written_there_is_a_cache(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("TUNEYARD_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = server.file("whole")
    path, where = fetch(file)
    assert (path.is_relative_to(tmp_path), where) == (True, "download")
    assert fetch(file) == (path, "cache")


def test_sources_are_joined_where_they_differ() -> None:
    assert source.joined("folder", "folder") == "folder"
    assert source.joined("folder", "download") == "folder+download"
