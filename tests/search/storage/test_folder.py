"""A search's folder: the same on a path and in an object store."""

import io
import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch
from pyarrow.fs import FileType

from tuneyard.search.errors import SearchError
from tuneyard.search.storage.folder import SPEC, SearchFolder
from tuneyard.search.storage.trial_files import TrialFiles
from tuneyard.search.trials.record import Params

PARAMS: Params = {
    "optimizer.kind": "sgd",
    "optimizer.sgd.lr": 0.1,
    "size": 3,
    "l1": None,
    "on": True,
}


@pytest.fixture(params=["path", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where searches lie: a folder that is not there yet, and a bucket of a real S3 server."""
    if request.param == "path":
        return str(tmp_path / "some" / "searches")
    address: str = request.getfixturevalue("object_store")
    return address


@pytest.fixture
def folder(storage: str) -> SearchFolder:
    folder = SearchFolder(storage, "my-search")
    folder.make()
    return folder


def again(folder: SearchFolder, storage: str) -> SearchFolder:
    """The folder as another process finds it."""
    return SearchFolder(storage, "my-search")


def save(folder: SearchFolder, number: int, index: int, params: Params | None = None) -> str:
    """A checkpoint as Tune leaves it; where it is, by name."""
    name = f"checkpoints/{number:05d}/checkpoint_{index:06d}"
    folder.write(f"{name}/config.json", json.dumps({"params": params or PARAMS}))
    state = io.BytesIO()
    torch.save({"weights": index}, state)
    put(folder, f"{name}/state.pt", state.getvalue())
    return name


def put(folder: SearchFolder, name: str, data: bytes) -> None:
    with folder.filesystem.open_output_stream(f"{folder.path}/{name}") as stream:
        stream.write(data)


def weights(folder: SearchFolder, name: str) -> int:
    """What tells one checkpoint from another."""
    with folder.fetched(name) as here:
        found: int = torch.load(here / "state.pt", weights_only=True)["weights"]
        return found


def tear(folder: SearchFolder, name: str) -> None:
    """As a crash leaves a file that was being written."""
    with folder.filesystem.open_input_stream(f"{folder.path}/{name}") as stream:
        data = stream.read()
    put(folder, name, data[: len(data) // 2])


def files(folder: SearchFolder, name: str) -> list[str]:
    """The files of a folder in it, as `fetched` gives them."""
    with folder.fetched(name) as here:
        return sorted(
            path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()
        )


def test_what_is_written_is_read(folder: SearchFolder, storage: str) -> None:
    folder.write("trials.csv", "number,value\n0,0.5 ä\n")
    folder.write("trials.csv", "number,value\n0,0.4 ö\n")
    folder.write("checkpoints/00007/checkpoint_000000/config.json", "{}")
    other = again(folder, storage)
    assert other.read("trials.csv") == "number,value\n0,0.4 ö\n"
    assert other.read("checkpoints/00007/checkpoint_000000/config.json") == "{}"
    with pytest.raises(FileNotFoundError):
        other.read("result.json")


def test_it_is_there_with_its_spec(folder: SearchFolder, storage: str) -> None:
    """What crashed before the spec was in has no trials, and can be made again nowhere else."""
    assert not folder.exists()
    folder.write(SPEC, "task: diabetes\n")
    assert again(folder, storage).exists()
    assert not SearchFolder(storage, "another").exists()


def test_a_path_is_made_once(tmp_path: Path) -> None:
    first = SearchFolder(tmp_path / "searches", "my-search")
    first.make()
    # its driver died before it wrote what it searches
    first.make()
    first.write(SPEC, "task: diabetes\n")
    with pytest.raises(SearchError) as refused:
        SearchFolder(tmp_path / "searches", "my-search").make()
    assert str(refused.value) == (
        f"there is a search 'my-search' in {tmp_path}/searches already; give another --name"
    )
    SearchFolder(tmp_path / "searches", "another").make()


def test_a_path_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(SearchError) as refused:
        SearchFolder(tmp_path / "file", "my-search").make()
    assert str(refused.value) == (
        f"the search's folder {tmp_path}/file/my-search can't be made: Not a directory; name "
        "another with --storage"
    )


def test_proposed_trials_are_recorded(folder: SearchFolder, storage: str) -> None:
    assert TrialFiles(folder).numbers() == []
    for number in (0, 12, 3, 100_000):
        TrialFiles(folder).add(number, PARAMS | {"size": number})
    other = TrialFiles(again(folder, storage))
    assert other.numbers() == [0, 3, 12, 100_000]
    assert other.params(12) == PARAMS | {"size": 12}
    params = other.params(0) or {}
    assert {path: type(value) for path, value in params.items()} == {
        path: type(value) for path, value in PARAMS.items()
    }


@pytest.mark.parametrize("kept", [0, 1, 20])
def test_a_record_that_a_crash_cut_short_is_none(folder: SearchFolder, kept: int) -> None:
    TrialFiles(folder).add(4, PARAMS)
    text = folder.read("trials/00004.json")
    folder.write("trials/00004.json", text[:kept])
    assert TrialFiles(folder).numbers() == [4]
    assert TrialFiles(folder).params(4) is None


def test_a_checkpoint_is_set_aside(folder: SearchFolder, storage: str) -> None:
    save(folder, 7, 0)
    save(folder, 7, 1, PARAMS | {"size": 9})
    save(folder, 8, 5)
    earlier = folder.set_aside(7)
    assert earlier == "checkpoints/00007/earlier"
    other = again(folder, storage)
    assert files(other, earlier) == ["config.json", "state.pt"]
    assert weights(other, earlier) == 1
    assert other.checkpoint_params(earlier) == PARAMS | {"size": 9}
    # the next run counts from 0 again: nothing of this one may lie in its way
    assert not any(other.holds(f"checkpoints/00007/checkpoint_{n:06d}") for n in range(2))
    assert other.holds("checkpoints/00008/checkpoint_000005")


def test_what_was_set_aside_survives_runs_that_save_nothing(folder: SearchFolder) -> None:
    save(folder, 7, 3)
    for _ in range(3):
        earlier = folder.set_aside(7)
        assert earlier is not None
        assert weights(folder, earlier) == 3
    save(folder, 7, 0)  # a later run got further
    assert folder.set_aside(7) == earlier
    assert weights(folder, earlier) == 0


def test_a_trial_without_a_checkpoint_has_nothing_to_set_aside(folder: SearchFolder) -> None:
    assert folder.set_aside(7) is None
    save(folder, 8, 0)
    assert folder.set_aside(7) is None


@pytest.mark.parametrize("torn", ["state.pt", "config.json", "state.pt, lost"])
def test_the_last_that_is_whole_is_set_aside(folder: SearchFolder, torn: str) -> None:
    """A crash in the middle of a save costs what that would have saved."""
    save(folder, 7, 0)
    save(folder, 7, 1)
    last = save(folder, 7, 2)
    if torn.endswith("lost"):
        folder.filesystem.delete_file(f"{folder.path}/{last}/state.pt")
    else:
        tear(folder, f"{last}/{torn}")
    earlier = folder.set_aside(7)
    assert earlier is not None
    assert weights(folder, earlier) == 1
    tear(folder, f"{save(folder, 7, 0)}/{torn.partition(',')[0]}")
    assert folder.set_aside(7) == earlier
    assert weights(folder, earlier) == 1, "that of the run before"
    assert not folder.holds("checkpoints/00007/checkpoint_000000")
    tear(folder, f"{earlier}/{torn.partition(',')[0]}")
    assert folder.set_aside(7) is None


@pytest.mark.parametrize("text", ["", '{"params": {"optim', None])
def test_a_checkpoint_that_a_crash_cut_short_has_no_params(
    folder: SearchFolder, text: str | None
) -> None:
    name = save(folder, 7, 0)
    if text is None:
        folder.filesystem.delete_file(f"{folder.path}/{name}/config.json")
    else:
        folder.write(f"{name}/config.json", text)
    assert folder.checkpoint_params(name) is None


def test_a_checkpoint_is_a_folder_on_this_machine(folder: SearchFolder) -> None:
    name = save(folder, 7, 2)
    with folder.fetched(name) as here:
        assert torch.load(here / "state.pt", weights_only=True) == {"weights": 2}
        assert json.loads((here / "config.json").read_text()) == {"params": PARAMS}
    assert folder.is_local is here.exists()
    assert folder.holds(name)


def test_kept_trials_are_those_with_a_folder(folder: SearchFolder) -> None:
    assert folder.kept_trials() == []
    for number in (3, 12, 7):
        save(folder, number, 0)
    folder.write("checkpoints/.validate_storage_marker", "")  # Tune leaves one
    folder.delete("checkpoints/00007")
    folder.delete("checkpoints/00007")
    assert sorted(folder.kept_trials()) == ["00003", "00012"]
    assert not folder.holds("checkpoints/00007")
    assert not folder.holds("checkpoints/00003/checkpoint_000000/state.pt"), "it is a file"


def test_ray_finds_it_by_its_address(folder: SearchFolder, storage: str) -> None:
    """As `tune.Checkpoint` and Ray's workers do, on any machine."""
    from ray.tune import Checkpoint

    name = save(folder, 7, 0)
    with Checkpoint(folder.address(name)).as_directory() as here:
        assert torch.load(Path(here, "state.pt"), weights_only=True) == {"weights": 0}
    assert folder.filesystem.get_file_info(f"{folder.path}/{name}").type is FileType.Directory


def test_a_path_is_the_same_from_any_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = SearchFolder("searches", "my-search")
    assert folder.path == f"{tmp_path}/searches/my-search"
    assert str(folder) == folder.path
    assert folder.is_local


def test_an_address_is_shown_without_its_options(object_store: str) -> None:
    bucket = object_store.partition("?")[0]
    folder = SearchFolder(object_store, "my-search")
    assert str(folder) == f"{bucket}/my-search"
    assert not folder.is_local


@pytest.mark.parametrize("address", ["s3://key:word@bucket/x?secret_key=word", "s4://key:word@/"])
def test_a_secret_in_an_address_is_not_shown(address: str) -> None:
    try:
        said = str(SearchFolder(address, "my-search"))
    except SearchError as error:
        said = str(error)
    assert "key:***@" in said
    assert "word" not in said


@pytest.mark.parametrize(
    "address", ["s4://bucket/searches", "://", "s3://", "http://example.org/x"]
)
def test_an_unknown_store_costs_one_line(address: str) -> None:
    with pytest.raises(SearchError) as refused:
        SearchFolder(address, "my-search")
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"--storage {address} can't be used: ")
    assert line.endswith("; name a folder, or an object store such as s3://bucket/searches")


class Closed(BaseHTTPRequestHandler):
    """A store that lets nobody in."""

    def do_HEAD(self) -> None:
        self.send_error(403)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.usefixtures("object_store")
def test_a_store_that_lets_nobody_in_costs_one_line() -> None:
    with HTTPServer(("127.0.0.1", 0), Closed) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        place = f"?endpoint_override=127.0.0.1:{server.server_port}&scheme=http"
        with pytest.raises(SearchError) as refused:
            SearchFolder(f"s3://bucket/searches{place}", "my-search").exists()
        server.shutdown()
    (line,) = str(refused.value).splitlines()
    assert line.startswith("s3://bucket/searches/my-search can't be read: ")
    assert "ACCESS_DENIED" in line


def test_a_folder_is_read_without_torch() -> None:
    program = "import sys, tuneyard.search.storage.folder; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"
