"""Tasks that are programs, and trainings of them, for the tests of commands."""

import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
import torch

from tuneyard.spaces import Float, Int, SearchSpace
from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.script.command import CommandTask
from tuneyard.trainables.script.command_training import CommandTraining


class Space(SearchSpace):
    lr: Annotated[float, Float(1e-5, 1.0, log=True)] = 0.1
    hidden: Annotated[int, Int(1, 8)] = 2


class Machine:
    """Makes tasks of programs in a folder, and ends what they started."""

    space = Space
    interpreter = shlex.quote(sys.executable)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[CommandTraining] = []

    def task(self, script: str, command: str, *, epochs: int | None = None) -> CommandTask:
        """A task whose program is a script in the folder."""
        (self.folder / "program").write_text(textwrap.dedent(script))
        objective = Objective("accuracy", "max")
        description = TaskDescription("task", Space, objective, module="", epochs=epochs)
        return CommandTask(description, command, self.folder)

    def start(self, task: CommandTask, config: Space | None = None) -> CommandTraining:
        """A training of a task, which is closed after the test."""
        training = task.start(config or Space(), (), seed=7, device=torch.device("cpu"))
        self._started.append(training)
        return training

    def python(self, script: str, *, epochs: int | None = None) -> CommandTraining:
        """A training by a script of Python."""
        return self.start(self.task(script, f"{self.interpreter} program", epochs=epochs))

    def shell(self, script: str, *, epochs: int | None = None) -> CommandTraining:
        """A training by a script of the shell."""
        return self.start(self.task(script, "sh program", epochs=epochs))

    def run(self, training: CommandTraining) -> list[dict[str, float]]:
        """The metrics of all epochs to the end."""
        first, found = training.epoch, []
        while training.ended is None:
            metrics = training.run_epoch()
            if metrics:
                found.append(metrics)
                assert training.epoch == first + len(found)
        return found

    def move(self, training: CommandTraining, other: CommandTraining) -> None:
        """Continues one training in another, as a checkpoint does."""
        for name, folder in training.folders.items():
            shutil.copytree(folder, other.folders[name], dirs_exist_ok=True)
        state = self.folder / "state.pt"
        torch.save(training.state_dict(), state)
        training.close()
        other.load_state_dict(torch.load(state, weights_only=True))

    def close(self) -> None:
        """Ends all trainings."""
        for training in self._started:
            training.close()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.close()
