"""`SearchContext`: what every stage of a search runs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tuneyard.datasets import Data
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.spec.settings import Settings
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.storage.trial_files import TrialFiles
from tuneyard.search.study.study import Study
from tuneyard.search.tracking.client import MlflowClient, Run
from tuneyard.search.tracking.runs import SearchRun
from tuneyard.search.trials.clock import Clock
from tuneyard.spaces.registry import Code
from tuneyard.trainables.searchable import Searchable


@dataclass(frozen=True)
class SearchContext:
    """A search whose request was found right, with all that its stages need.

    Attributes:
        search: What is searched.
        settings: Where.
        task: Loads the data and trains the models.
        code: The task's code, where it must travel to the workers.
        data: The task's data set.
        folds: What trials are ranked on: the data set itself, or its folds.
        client: Of the tracking server.
        run: The search's run in MLflow.
        folder: The search's folder.
        files: The trials in that folder.
        study: Proposes the configs; knows the trials from before a resume.
        children: The trials' runs that were made before a resume, by number.
        clock: How long the search has taken.
        seconds: Wall-clock budget that remains; None without one.
    """

    search: ResolvedSpec
    settings: Settings
    task: Searchable
    code: Code | None
    data: Data
    folds: tuple[Data, ...]
    client: MlflowClient
    run: SearchRun
    folder: SearchFolder
    files: TrialFiles
    study: Study
    children: Mapping[int, Run]
    clock: Clock
    seconds: float | None

    def interrupted(self, reason: str) -> str:
        """What is said of the search when something keeps it from its end."""
        name = self.search.name
        return (
            f"search {name!r} was interrupted: {reason}; when that is mended, go on with: "
            f"{self.settings.resume_command(name)}"
        )
