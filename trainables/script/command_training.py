"""`CommandTraining`: the training of one config by a program of any language."""

from __future__ import annotations

import logging
import math
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch

from tuneyard.spaces import SearchSpace
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.script.command_errors import CommandError, failure, silence
from tuneyard.trainables.script.command_output import Tail
from tuneyard.trainables.script.command_process import CommandProcess
from tuneyard.trainables.script.command_reports import Numbering, Report, ReportReader
from tuneyard.trainables.script.placeholders import CommandLine
from tuneyard.trainables.searchable import Best, EndReason, State

logger = logging.getLogger(__name__)

FILES, BEST = "files", "best"
"""The names of the folders in a checkpoint: the program's files, and those of the best epoch."""

_OURS = ("TUNEYARD_", "RAY_", "MLFLOW_", "POSTGRES_")
_HANDED_ON = ("TUNEYARD_DATA", "TUNEYARD_CACHE")


class CommandTraining:
    """Runs a program, and takes the lines of JSON that it prints as the epochs of a training.

    The program reads its config from its arguments or from the environment:

    - ``TUNEYARD_CONFIG``: the config as JSON, nested.
    - ``TUNEYARD_SEED``, ``TUNEYARD_DEVICE``: the seed, and ``cpu`` or ``cuda:N``.
    - ``TUNEYARD_FOLDER``: a folder for files, which belong to the checkpoints; after a resume they
      are there again, maybe under another path.
    - ``TUNEYARD_EPOCH``: the epochs that were reported before a resume; 0 at first. The program is
      to go on after that; if it starts from the beginning, the epochs that are known are left out.

    After each epoch it prints a line such as ``{"epoch": 1, "accuracy": 0.9}``, where ``epoch`` may
    be left out, and before that it writes the files of the epoch. It is stopped as soon as the line
    has been read, some milliseconds later, until the next call of `run_epoch`. It ends by itself
    with exit code 0.

    Args:
        command: The command.
        config: The config.
        folder: The working directory.
        objective: The objective; its metric is among what the program reports.
        seed: The seed.
        device: The device.
        epochs: How many epochs the whole training has; None if only the program knows. The program
            may do something more after the last one, but with another line it is ended.

    Attributes:
        device: See `TrialTraining`, like the others.
        folders: See there.
        epoch: See there.
        best: See there.
        ended: See there.
    """

    def __init__(
        self,
        command: CommandLine,
        config: SearchSpace,
        folder: Path,
        *,
        objective: Objective,
        seed: int,
        device: torch.device,
        epochs: int | None,
    ) -> None:
        self.device = device
        self._root = Path(tempfile.mkdtemp(prefix="tuneyard-trial-"))
        self.folders: Mapping[str, Path] = {name: self._root / name for name in (FILES, BEST)}
        for place in self.folders.values():
            place.mkdir()
        self.epoch = 0
        self.best: Best | None = None
        self.ended: EndReason | None = None
        self._command = command
        self._config = config
        self._folder = folder
        self._objective = objective
        self._seed = seed
        self._epochs = epochs
        self._reader = ReportReader(objective.metric)
        self._tail = Tail()
        self._numbering = Numbering()
        self._pending: deque[Report] = deque()
        self._process: CommandProcess | None = None
        self._said_known = False
        self._gave_output = False

    def run_epoch(self) -> dict[str, float]:
        """Lets the program run to its next report.

        Returns:
            What it reported; empty if it ended instead, which `ended` then says.

        Raises:
            CommandError: It failed, or ended without a report of the objective.
        """
        assert self.ended is None, "the training has ended"
        report = self._next_new()
        if report is None:
            self._end()
            return {}
        value = report.metrics[self._objective.metric]
        if not math.isfinite(value):
            self.ended = "diverged"
        elif self._objective.better(value, self.best.value if self.best else None):
            self.best = Best(self.epoch, value, report.metrics)
            self._keep_best()
        if self.ended is None and self._epochs is not None and self.epoch >= self._epochs:
            self._end_last_epoch()
        return report.metrics

    def _next_new(self) -> Report | None:
        """The next report of an epoch that is not known; None if the program ended before one."""
        while (report := self._next()) is not None:
            try:
                if self._numbering.take(report.number):
                    self.epoch = self._numbering.epoch
                    return report
            except ValueError as error:
                raise CommandError(str(error), self._tail.last_lines()) from None
            if not self._said_known:
                self._said_known = True
                logger.warning(
                    "the command reports epoch %s again; epochs up to %d are left out",
                    report.number,
                    self.epoch,
                )
        return None

    def _next(self) -> Report | None:
        if self._pending:
            return self._pending.popleft()
        if self._process is None:
            self._process = self._start()
        return self._process.next_report()

    def _start(self) -> CommandProcess:
        if self.epoch:
            self._numbering.resume()
        params = type(self._config).space().flatten(self._config)
        arguments = self._command.arguments(params)
        try:
            return CommandProcess(
                arguments, self._environment(), self._folder, self._reader.read, self._tail
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise CommandError(f"the command cannot be started: {arguments[0]}: {reason}") from None

    def _environment(self) -> dict[str, str]:
        """The worker's environment without what is tuneyard's own, such as tokens and addresses."""
        outer = {
            name: value
            for name, value in os.environ.items()
            if name in _HANDED_ON or not name.startswith(_OURS)
        }
        cuda = self.device.type == "cuda"
        return {
            # or what a program of Python prints would come when it ends
            "PYTHONUNBUFFERED": "1",
            **outer,
            "TUNEYARD_CONFIG": self._config.model_dump_json(),
            "TUNEYARD_SEED": str(self._seed),
            "TUNEYARD_DEVICE": f"cuda:{self.device.index or 0}" if cuda else str(self.device),
            "TUNEYARD_FOLDER": str(self.folders[FILES]),
            "TUNEYARD_EPOCH": str(self.epoch),
        }

    def _end_last_epoch(self) -> None:
        """Waits for the end of a program that has trained enough, or for one more report."""
        last = self.epoch
        if self._next_new() is None:
            self._end()
        else:
            self._end_process()
            self.epoch, self.ended = last, "completed"

    def _end(self) -> None:
        """Takes the end of the program.

        Raises:
            CommandError: It failed, or never reported the objective.
        """
        process = self._process
        assert process is not None
        assert process.code is not None
        self._end_process()
        if process.code:
            output = self._tail.last_lines()
            raise failure(process.code, self.epoch, process.last_error, output)
        if self.best is None:
            metric = self._objective.metric
            raise silence(metric, self._reader.others, self._tail.last_lines())
        if self.best.epoch == self.epoch:
            # what it wrote after its last line belongs to that
            self._keep_best()
        short = self._epochs is not None and self.epoch < self._epochs
        self.ended = "early_stopped" if short else "completed"

    def _keep_best(self) -> None:
        """Copies the files as those of the best epoch."""
        shutil.rmtree(self.folders[BEST])
        copy_files(self.folders[FILES], self.folders[BEST])

    def change(self, config: SearchSpace) -> None:
        """Continues with another config, for PBT: the program starts again, as after a resume."""
        if self._process is not None:
            self._pending.extend(self._process.reports)
        self._end_process(at_once=True)
        self._config = config

    def best_weights(self) -> list[State]:
        """What the program reported of the best epoch; its weights are among the files."""
        return [dict(self.best.metrics)] if self.best else []

    def state_dict(self) -> State:
        """What a continuation needs beside the folders, with reports that nobody has taken."""
        coming = [*self._pending, *(self._process.reports if self._process else ())]
        return {
            "epoch": self.epoch,
            "first": self._numbering.first,
            "ended": self.ended,
            "best": asdict(self.best) if self.best else None,
            "pending": [asdict(report) for report in coming],
        }

    def load_state_dict(self, state: State) -> None:
        """Continues from a `state_dict` of the same config, after its folders were filled."""
        self._end_process(at_once=True)
        self.epoch = state["epoch"]
        self._numbering = Numbering(self.epoch, state["first"])
        self.ended = state["ended"]
        self.best = Best(**state["best"]) if state["best"] else None
        self._pending = deque(Report(**report) for report in state["pending"])

    def take_artifacts(self) -> Mapping[str, bytes]:
        """The end of what the program printed, once the training has ended."""
        text = self._tail.text()
        if self.ended is None or self._gave_output or not text:
            return {}
        self._gave_output = True
        return {"output.txt": text.encode()}

    def close(self) -> None:
        """Ends the program with all its processes, and removes the folders."""
        self._end_process()
        shutil.rmtree(self._root, ignore_errors=True)

    def _end_process(self, *, at_once: bool = False) -> None:
        if self._process is not None:
            self._process.close(at_once=at_once)
            self._process = None


def copy_files(source: Path, target: Path) -> None:
    """Copies a folder to a new one, without sockets and pipes; links stay links."""

    def special(folder: str, names: list[str]) -> list[str]:
        paths = [Path(folder, name) for name in names]
        return [p.name for p in paths if not (p.is_symlink() or p.is_file() or p.is_dir())]

    shutil.copytree(source, target, symlinks=True, ignore=special)
