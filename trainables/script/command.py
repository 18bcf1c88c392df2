"""`CommandTask`: a program of any language, searched like a task."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from tuneyard.datasets import Data, DataError
from tuneyard.spaces import SearchSpace
from tuneyard.spaces.description import TaskDescription
from tuneyard.trainables.script.command_training import BEST, CommandTraining, copy_files
from tuneyard.trainables.script.placeholders import CommandLine
from tuneyard.trainables.searchable import FinalModel, Searchable
from tuneyard.trainables.training.checkpoint import load_weights
from tuneyard.trainables.training.checkpoint_files import WEIGHTS


@dataclass(frozen=True)
class CommandData:
    """What stands for the data of a program, which loads its own; see `Data`."""

    name: str
    fingerprint: str
    source: str = "command"
    classes: tuple[str, ...] = ()


class CommandTask(Searchable):
    """A program that is started once for each trial; see `CommandTraining` for what it must do.

    Args:
        description: Its name, space, objective and maybe its number of epochs.
        command: The command, with placeholders for hyperparameters; see `CommandLine`.
        folder: Its working directory, which relative paths in it refer to.

    Raises:
        SpaceError: The command does not fit the space.
    """

    def __init__(self, description: TaskDescription, command: str, folder: Path) -> None:
        self.description = description
        self.folder = folder
        self._command = CommandLine(command)
        self._command.check(description.space.space())

    def load(self, data_dir: Path | None, choice: str | None) -> CommandData:
        """Checks that the program is there; its data is its own.

        The fingerprint covers the command, the space, and the files that the command names.
        """
        program = self._command.words[0]
        place = self.folder / program if "/" in program else program
        if "{" not in program and shutil.which(place) is None:
            raise DataError(
                f"{self.description.name}: there is no program {program}; give its path, or "
                "install it"
            )
        digest = hashlib.sha256(self._command.text.encode())
        schema = self.description.space.model_json_schema()
        digest.update(json.dumps(schema, sort_keys=True).encode())
        for path in self.files():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return CommandData(self.description.name, digest.hexdigest())

    def files(self) -> Iterator[Path]:
        """Yields the files under the folder that the command names, e.g. ``train.py``."""
        root = self.folder.resolve()
        for word in self._command.words:
            for text in (word, word.partition("=")[2]):
                # a program's code may be among its arguments, too long for the name of a file
                with suppress(OSError, ValueError):
                    path = (root / text).resolve()
                    if path.is_relative_to(root) and path.is_file():
                        yield path

    def start(
        self,
        config: SearchSpace,
        folds: Sequence[Data],
        *,
        seed: int,
        device: torch.device,
        milestones: frozenset[int] = frozenset(),
    ) -> CommandTraining:
        """See `Searchable.start`; the program starts with the first epoch."""
        epochs = getattr(config, "epochs", self.description.epochs)
        return CommandTraining(
            self._command,
            config,
            self.folder,
            objective=self.description.objective,
            seed=seed,
            device=device,
            epochs=epochs if isinstance(epochs, int) else None,
        )

    def finish(
        self,
        config: SearchSpace,
        data: Data,
        *,
        checkpoint: Path,
        folds: int,
        epochs: int,
        seed: int,
        device: torch.device,
    ) -> FinalModel:
        """Takes the best epoch's files, and the ``test_*`` metrics that it reported.

        The model is a new folder, which is the caller's to remove; None if there are no files.
        """
        kept = (checkpoint / WEIGHTS).is_file()
        reported = load_weights(checkpoint, torch.device("cpu")) if kept else []
        tested = {
            name: value
            for metrics in reported
            for name, value in metrics.items()
            if name.startswith("test_")
        }
        best = checkpoint / BEST
        if not (best.is_dir() and any(best.iterdir())):
            return FinalModel(None, None, tested)
        model = Path(tempfile.mkdtemp(prefix="tuneyard-model-")) / "model"
        copy_files(best, model)
        return FinalModel(model, None, tested)
