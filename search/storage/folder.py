"""The folder of one search, on a path or in an object store: its files and its checkpoints."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pyarrow import ArrowException
from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem, copy_files

from tuneyard.search.access import redacted
from tuneyard.search.errors import SearchError, first_line
from tuneyard.search.trials.record import Params, trial_folder
from tuneyard.trainables.training.checkpoint_files import CONFIG, STATE

SPEC = "spec.yaml"
CODE = "code.json"
"""A user's own code; missing where the task is an installed one."""
CHECKPOINTS = "checkpoints"
EARLIER = "earlier"
"""A trial's checkpoint from before the search was resumed."""


class SearchFolder:
    """What a search leaves outside MLflow and the study.

    ``spec.yaml``; ``trials/00012.json`` for each trial proposed, never changed;
    ``checkpoints/00012/`` for each trial whose weights are kept; ``trials.csv`` and ``result.json``
    at the end. A name is a path below the folder, e.g. ``checkpoints/00012/checkpoint_000001``.

    Args:
        storage: A folder, or an address such as ``s3://bucket/searches``, that holds one
            folder per search.
        search: Name of the search.

    Attributes:
        storage: Where it is, redacted.

    Raises:
        SearchError: The address is of no known object store.
    """

    def __init__(self, storage: Path | str, search: str) -> None:
        self._storage, self._search = str(storage), search
        self.storage = redacted(self._storage)
        self.filesystem, root = _resolve(self._storage)
        self.path = f"{root.rstrip('/')}/{search}"

    def __str__(self) -> str:
        return self.path if self.is_local else f"{self.storage}/{self._search}"

    @property
    def is_local(self) -> bool:
        """Whether it is a path, which other machines may not reach."""
        return isinstance(self.filesystem, LocalFileSystem)

    def address(self, name: str) -> str:
        """Where Ray finds something in it: a path, or an address with the store's options."""
        if self.is_local:
            return f"{self.path}/{name}"
        base, question, options = self._storage.partition("?")
        return f"{base.rstrip('/')}/{self._search}/{name}{question}{options}"

    def exists(self) -> bool:
        """Whether the search has a folder.

        Raises:
            SearchError: The store does not answer.
        """
        return self.has(SPEC)

    def make(self) -> None:
        """Makes it.

        Raises:
            SearchError: It is there already, or can't be made.
        """
        try:
            if self.is_local:
                # two searches may start at once: one of them makes it
                Path(self.path).parent.mkdir(parents=True, exist_ok=True)
                Path(self.path).mkdir()
            else:
                self.filesystem.create_dir(self.path)
        except OSError as error:
            # the storage itself may be a file
            if isinstance(error, FileExistsError) and Path(self.path).exists():
                raise SearchError(
                    f"there is a search {self._search!r} in {self.storage} already; give "
                    "another --name"
                ) from None
            raise SearchError(
                f"the search's folder {self} can't be made: {error.strerror or error}; name "
                "another with --storage"
            ) from None

    def read(self, name: str) -> str:
        """A text file in it."""
        with self.filesystem.open_input_stream(f"{self.path}/{name}") as stream:
            text: str = stream.read().decode()
        return text

    def write(self, name: str, text: str) -> None:
        """Writes a text file, whole or not at all."""
        self.put(f"{name}.part", text)
        self.filesystem.move(f"{self.path}/{name}.part", f"{self.path}/{name}")

    def put(self, name: str, text: str) -> None:
        """Writes a text file in one step, which a crash may cut short; see `write`."""
        path = f"{self.path}/{name}"
        self.filesystem.create_dir(path.rpartition("/")[0])
        with self.filesystem.open_output_stream(path) as stream:
            stream.write(text.encode())

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
        whole = [name for name in found if self._is_whole(f"{folder}/{name}")]
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
        return earlier if self._is_whole(earlier) else None

    def _is_whole(self, checkpoint: str) -> bool:
        """Whether a training can be continued from a checkpoint; a crash may have cut it short."""
        if self.checkpoint_params(checkpoint) is None:
            return False
        try:
            with self.filesystem.open_input_file(f"{self.path}/{checkpoint}/{STATE}") as state:
                # what torch writes is an archive with its table of contents at the end
                return zipfile.is_zipfile(state)
        # an object store refuses to seek before the start of a file, as it must in a short one
        except (OSError, ArrowException):
            return False

    def checkpoint_params(self, name: str) -> Params | None:
        """The parameters that a checkpoint was saved with; None where a crash cut it short."""
        try:
            params: Params = json.loads(self.read(f"{name}/{CONFIG}"))["params"]
        except (OSError, ValueError):
            return None
        return params

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
