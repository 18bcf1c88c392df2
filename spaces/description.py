"""`TaskDescription`: what can be known of a task without importing what trains it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuneyard.spaces.language.errors import SpaceError

if TYPE_CHECKING:
    from tuneyard.spaces.fields.training import TrainingSpace
    from tuneyard.spaces.objective import Objective


@dataclass(frozen=True)
class TaskDescription:
    """A task's name, its space, and what ranks its trials, on which data.

    Attributes:
        name: By which the task is known everywhere, e.g. ``names-gru``.
        space: The class of its configs.
        objective: The metric that ranks its trials.
        module: The importable module whose `TASK` loads the data and trains the models.
        data: The data sets that ``--data`` chooses from, the default first; empty where there is
            one.
        takes_folder: Whether ``--data`` may name a folder instead.
        folds: How many folds rank its configs unless a search says otherwise; 1 is one validation
            split.
        course_result: What the course reports for the baseline; empty where it reports nothing.
    """

    name: str
    space: type[TrainingSpace]
    objective: Objective
    module: str
    data: tuple[str, ...] = ()
    takes_folder: bool = False
    folds: int = 1
    course_result: str = ""

    @property
    def title(self) -> str:
        """The task in one line: the first of its space's docstring."""
        return (self.space.__doc__ or "").strip().partition("\n")[0]

    def check_data(self, choice: str) -> None:
        """Refuses a choice of data that the task can't have, before anything is loaded.

        Raises:
            SpaceError: There is no such data set.
        """
        if self.takes_folder:
            return
        if not self.data:
            raise SpaceError(f"{self.name} has one data set: leave data out, got {choice!r}")
        if choice not in self.data:
            raise SpaceError(f"data must be one of {', '.join(self.data)}, got {choice!r}")
