"""The folder of one search, on a path or in an object store: its files and its checkpoints."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any  # sealed values may be anything that JSON holds

from pyarrow import ArrowException
from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem, copy_files

from tuneyard.search.access import redacted
from tuneyard.search.errors import SearchError, first_line
from tuneyard.search.storage.files import StorageError, write_whole
from tuneyard.search.trials.record import Params, trial_folder
from tuneyard.trainables.training.checkpoint_files import CONFIG, STATE
from tuneyard.trainables.training.sealed import DamagedError, check_archive, seal, unseal

SPEC = "spec.yaml"
"""What is searched, for people; `SEARCH` holds it for a resume."""
SEARCH = "search.json"
"""What a search is, with a checksum."""
RESULT = "result.json"
"""The result of a search; it is there as long as the search has ended."""
CODE = "code.json"
"""A user's own code; missing where the task is an installed one."""
MODEL = "model"
"""The best model, as MLflow reads it."""
CHECKPOINTS = "checkpoints"
EARLIER = "earlier"
"""A trial's checkpoint from before the search was resumed."""
DRIVER = "driver.json"
"""Which driver may write; see `tuneyard.search.storage.lock`."""
BEFORE_SPEC = frozenset(
    {"driver.lock", DRIVER, f"{DRIVER}.part", CODE, f"{CODE}.part", f"{SEARCH}.part"}
)
"""What lies in the folder of a search whose driver died before it wrote what it searches."""


class LostSearchError(SearchError):
    """Another driver has taken the search over."""


class SearchFolder:
    """What a search has found, all of it: MLflow and the study can be written again from here.

    ``search.json`` and ``spec.yaml``; ``trials/00012.json`` for each trial proposed and
    ``ended/00012.json`` for each that has ended; ``checkpoints/00012/`` for each trial whose
    weights are kept; ``files/00012/`` for what a trial has logged; ``model/`` for the best model;
    ``trials.csv`` and ``result.json`` at the end. A name is a path below the folder, e.g.
    ``checkpoints/00012/checkpoint_000001``.

    Args:
        storage: A folder, or an address such as ``s3://bucket/searches``, that holds one
            folder per search.
        search: Name of the search.

    Attributes:
        storage: Where it is, redacted.
        search: Name of the search.
        token: That of the driver that writes here; None where nobody but a reader is.

    Raises:
        SearchError: The address is of no known object store.
    """

    def __init__(self, storage: Path | str, search: str) -> None:
        self._storage, self.search = str(storage), search
        self.token: str | None = None
        self.storage = redacted(self._storage)
        self.filesystem, root = _resolve(self._storage)
        self.path = f"{root.rstrip('/')}/{search}"

    def __str__(self) -> str:
        return self.path if self.is_local else f"{self.storage}/{self.search}"

    @property
    def is_local(self) -> bool:
        """Whether it is a path, which other machines may not reach."""
        return isinstance(self.filesystem, LocalFileSystem)

    def address(self, name: str) -> str:
        """Where Ray finds something in it: a path, or an address with the store's options."""
        if self.is_local:
            return f"{self.path}/{name}"
        base, question, options = self._storage.partition("?")
        return f"{base.rstrip('/')}/{self.search}/{name}{question}{options}"

    def exists(self) -> bool:
        """Whether the search has a folder.

        Raises:
            SearchError: The store does not answer.
        """
        return self.has(SEARCH) or self.has(SPEC)

    def make(self) -> None:
        """Makes it; one that a driver left before it wrote a word there is taken.

        Raises:
            SearchError: It is there already, or can't be made.
        """
        try:
            if self.is_local:
                Path(self.path).mkdir(parents=True, exist_ok=True)
            else:
                self.filesystem.create_dir(self.path)
            taken = self.exists() or (self.is_local and not _only(self.path, BEFORE_SPEC))
        except OSError as error:
            # the storage itself may be a file
            raise SearchError(
                f"the search's folder {self} can't be made: {error.strerror or error}; name "
                "another with --storage"
            ) from None
        if taken:
            raise SearchError(
                f"there is a search {self.search!r} in {self.storage} already; give another --name"
            )

    def read(self, name: str) -> str:
        """A text file in it; bytes that are no text any more are shown as such."""
        with self.filesystem.open_input_stream(f"{self.path}/{name}") as stream:
            text: str = stream.read().decode(errors="replace")
        return text

    def write(self, name: str, content: str | bytes) -> None:
        """Writes a file, whole or not at all, and waits until the disk has it.

        Raises:
            LostSearchError: Another driver has taken the search over.
            StorageError: The storage is full, can't be written, or does not answer.
        """
        self.check_driver()
        data = content.encode() if isinstance(content, str) else content
        write_whole(self.filesystem, f"{self.path}/{name}", data)

    def seal(self, name: str, values: Mapping[str, Any]) -> None:
        """Writes values with a checksum; see `write`."""
        self.write(name, seal(values))

    def unseal(self, name: str) -> dict[str, Any]:
        """Values that `seal` wrote.

        Raises:
            DamagedError: They are not what was written.
            FileNotFoundError: They were never written.
        """
        return unseal(self.read(name))

    def known(self, name: str) -> dict[str, Any]:
        """Values that `seal` wrote; none where they were never written, or are damaged."""
        try:
            return self.unseal(name)
        except (OSError, DamagedError):
            return {}

    def check_driver(self) -> None:
        """Sees that no other driver has taken the search over; see `token`.

        Raises:
            LostSearchError: One has.
        """
        if self.token is None:
            return
        driver = self.known(DRIVER)
        # it was taken: what can't be read now is no other driver's word
        if driver and driver["token"] != self.token:
            raise LostSearchError(
                f"search {self.search!r} was taken over by the driver {driver['driver']}, while "
                "this one did not run; this one ends, and the search goes on there"
            )

    def names(self, name: str) -> list[str]:
        """The names of what lies in a folder in it; none where there is no such folder."""
        found = self.filesystem.get_file_info(
            FileSelector(f"{self.path}/{name}", allow_not_found=True)
        )
        return [info.base_name for info in found]

    def set_aside(self, number: int) -> str | None:
        """Keeps an unfinished trial's last checkpoint from being overwritten by the next.

        Returns:
            The checkpoint's name; None where the trial left none that is whole.
        """
        folder = f"{CHECKPOINTS}/{trial_folder(number)}"
        earlier = f"{folder}/{EARLIER}"
        found = sorted(name for name in self.names(folder) if name.startswith("checkpoint_"))
        whole = [name for name in found if self.is_whole(f"{folder}/{name}")]
        if whole:
            self.delete(earlier)
            self.filesystem.create_dir(f"{self.path}/{earlier}")
            # not moved: object stores have no folders to move
            copy_files(
                f"{self.path}/{folder}/{whole[-1]}",
                f"{self.path}/{earlier}",
                source_filesystem=self.filesystem,
                destination_filesystem=self.filesystem,
            )
        for name in found:
            self.delete(f"{folder}/{name}")
        return earlier if self.is_whole(earlier) else None

    def is_whole(self, checkpoint: str) -> bool:
        """Whether a training can be continued from a checkpoint; a crash may have cut it short."""
        if self.checkpoint_params(checkpoint) is None:
            return False
        try:
            with self.filesystem.open_input_file(f"{self.path}/{checkpoint}/{STATE}") as state:
                check_archive(state)
        # an object store refuses to seek before the start of a file, as it must in a short one
        except (OSError, ArrowException, DamagedError):
            return False
        return True

    def checkpoint_params(self, name: str) -> Params | None:
        """The parameters that a checkpoint was saved with; None where a crash cut it short."""
        try:
            params: Params = self.unseal(f"{name}/{CONFIG}")["params"]
        except (OSError, KeyError, DamagedError):
            return None
        return params

    def store(self, files: Path, name: str) -> None:
        """Copies a folder of this machine into it."""
        self.check_driver()
        self.filesystem.create_dir(f"{self.path}/{name}")
        try:
            copy_files(str(files), f"{self.path}/{name}", destination_filesystem=self.filesystem)
        except OSError as error:
            reason = error.strerror or first_line(error)
            raise StorageError(f"{self}/{name} can't be written: {reason}") from None

    def forget(self, name: str) -> None:
        """Deletes a file in it, if it is there."""
        self.check_driver()
        if self.has(name):
            self.filesystem.delete_file(f"{self.path}/{name}")

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """A folder in it as a folder on this machine, as long as the context lasts."""
        if self.is_local:
            yield Path(self.path) / name
            return
        with tempfile.TemporaryDirectory(prefix="tuneyard-") as here:
            copy_files(f"{self.path}/{name}", here, source_filesystem=self.filesystem)
            yield Path(here)

    def has(self, name: str) -> bool:
        """Whether there is such a file in it.

        Raises:
            SearchError: The store does not answer.
        """
        return self._type(name) is FileType.File

    def holds(self, name: str) -> bool:
        """Whether there is such a folder in it."""
        return self._type(name) is FileType.Directory

    def delete(self, name: str) -> None:
        """Deletes a folder in it, if it is there."""
        while self.holds(name):
            # Tune may delete it at the same time
            with suppress(FileNotFoundError):
                self.filesystem.delete_dir(f"{self.path}/{name}")

    def kept_trials(self) -> list[str]:
        """Names of the trials' folders that hold checkpoints."""
        return [name for name in self.names(CHECKPOINTS) if name.isdigit()]

    def _type(self, name: str) -> FileType:
        try:
            return self.filesystem.get_file_info(f"{self.path}/{name}").type
        except OSError as error:
            raise SearchError(f"{self} can't be read: {first_line(error)}") from None


def _only(path: str, names: Collection[str]) -> bool:
    """Whether a folder holds nothing but files of these names."""
    return {entry.name for entry in Path(path).iterdir()} <= set(names)


def _resolve(storage: str) -> tuple[FileSystem, str]:
    if "://" not in storage:
        return LocalFileSystem(), str(Path(storage).resolve())
    try:
        filesystem, path = FileSystem.from_uri(storage)
        if not path.strip("/"):
            raise ValueError("it names no bucket")
    except (ArrowException, OSError, ValueError) as error:
        reason = first_line(error).replace(storage, redacted(storage))
        raise SearchError(
            f"--storage {redacted(storage)} can't be used: {reason}; name a folder, or an object "
            "store such as s3://bucket/searches"
        ) from None
    return filesystem, path
