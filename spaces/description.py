"""`TaskDescription`: the properties of a task that are known without importing torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuneyard.spaces.language.errors import SpaceError

if TYPE_CHECKING:
    from tuneyard.spaces.language.space import SearchSpace
    from tuneyard.spaces.objective import Objective


@dataclass(frozen=True)
class TaskDescription:
    """The name of a task, its space, its objective and its data sets.

    Attributes:
        name: The name of the task in all interfaces, e.g. ``names-gru``.
        space: The class of the configs.
        objective: The metric that ranks the trials.
        module: The importable module that holds what loads the data and trains the models.
        attribute: Its name in the module; empty if the module itself has the functions.
        data: The data sets that ``--data`` chooses from, the default first; empty if there is only
            one.
        takes_folder: Whether ``--data`` names a folder instead.
        folds: The default number of folds; 1 means a single validation split.
        epochs: The longest training, where the space has no field `epochs`; None where neither is
            known.
        course_result: The result that the course reports for the baseline; empty if there is none.
        origin: Where the task comes from: ``tuneyard``, a package, or a file.
    """

    name: str
    space: type[SearchSpace]
    objective: Objective
    module: str
    attribute: str = "TASK"
    data: tuple[str, ...] = ()
    takes_folder: bool = False
    folds: int = 1
    epochs: int | None = None
    course_result: str = ""
    origin: str = "tuneyard"

    @property
    def title(self) -> str:
        """The task in one line, the first line of the docstring of its space."""
        return (self.space.__doc__ or "").strip().partition("\n")[0]

    def check_data(self, choice: str) -> None:
        """Checks that the task has a data set of this name, before anything is loaded.

        Raises:
            SpaceError: There is no such data set.
        """
        if self.takes_folder:
            return
        if not self.data:
            raise SpaceError(f"{self.name} has one data set: leave data out, got {choice!r}")
        if choice not in self.data:
            raise SpaceError(f"data must be one of {', '.join(self.data)}, got {choice!r}")
