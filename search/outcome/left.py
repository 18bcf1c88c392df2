"""`Left`: what a search has left in its folder and in MLflow, read when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run

from tuneyard.search.errors import SearchError
from tuneyard.search.outcome.frames import curves_frame, param_column, trials_frame, trials_table
from tuneyard.search.outcome.importance import importances
from tuneyard.search.results.result import SearchResult
from tuneyard.search.spec.recorded import read_recorded_spec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.spec.settings import Settings
from tuneyard.search.storage.folder import SPEC, SearchFolder
from tuneyard.search.tracking.queries import MlflowSearches
from tuneyard.search.tracking.recorded import read_trial
from tuneyard.search.tracking.runs import SearchRun, find_children
from tuneyard.spaces.language.dimensions import Dimension

TRIALS = "trials.csv"


class Left:
    """What a search has left.

    The folder is read where it is in reach, since it is nearer and whole even if MLflow was away;
    else MLflow has the same files.

    Args:
        result: Of the search.
        settings: Where it is.

    Raises:
        SearchError: The storage is of no known object store.
    """

    def __init__(self, result: SearchResult, settings: Settings) -> None:
        self.result = result
        # both as of now: the environment and the working folder may change before they are read
        self.mlflow = MlflowSearches(settings.tracking_uri)
        self._folder = SearchFolder(settings.storage, result.search)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """See `tuneyard.search.outcome.frames.trials_frame`.

        Raises:
            SearchError: MLflow does not answer, and the folder does not know of all trials.
        """
        table = self._text(TRIALS)
        if table is not None:
            frame = trials_frame(table)
            # the table of a search that was resumed and has not ended is the one from before
            if len(frame) >= self.result.trials["total"]:
                return frame
        runs = [run for _, run in sorted(self._children.items())]
        return trials_frame(trials_table(read_trial(run, self.result.task) for run in runs))

    @cached_property
    def curves(self) -> pd.DataFrame:
        """See `tuneyard.search.outcome.frames.curves_frame`.

        Raises:
            SearchError: MLflow does not answer.
        """
        return self.mlflow.ask(lambda client: curves_frame(client, self._children))

    @cached_property
    def dimensions(self) -> Mapping[str, Dimension]:
        """What was searched, by path.

        Raises:
            SearchError: The search's spec can't be read.
        """
        return {leaf.path: leaf for leaf in self._spec.narrowed().dimensions()}

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The columns of the parameters that were searched and that some trial has, by path."""
        columns = {path: param_column(path) for path in self.dimensions}
        there = set(self.trials.columns[self.trials.notna().any()])
        # no trial has those in a branch that none took
        return {path: column for path, column in columns.items() if column in there}

    @cached_property
    def importances(self) -> Mapping[str, float]:
        """See `tuneyard.search.outcome.importance.importances`.

        Raises:
            SearchError: Too few trials ended by themselves.
        """
        return importances(self.trials, self.dimensions, self.result.objective)

    def foremost(self, count: int) -> list[str]:
        """The paths of the parameters that a figure with little room shows, in the space's order.

        They are the most important ones; a parameter that few trials have counts for less. Where
        too few trials tell them apart, they are those that most trials have.

        Args:
            count: At most so many.
        """
        shares = {path: self.trials[column].count() for path, column in self.columns.items()}
        found: Mapping[str, float] = {}
        with suppress(SearchError):
            found = self.importances
        ranked = sorted(
            shares, key=lambda path: (-shares[path] * found.get(path, 0), -shares[path])
        )
        return [path for path in shares if path in ranked[:count]]

    @property
    def best_number(self) -> int | None:
        """The number of the best trial; None where there is none."""
        best = self.result.best
        if best is None:
            return None
        same = (self.trials["value"] == best.value) & (self.trials["best_epoch"] == best.epoch)
        numbers = self.trials.index[same.fillna(False)]
        return int(numbers[0]) if len(numbers) else None

    @cached_property
    def _spec(self) -> SearchSpec:
        text = self._text(SPEC)
        if text is None:
            raise SearchError(
                f"the spec of search {self.result.search!r} is neither in {self._folder} nor in "
                "MLflow; name where it is with Settings(storage=…)"
            )
        return read_recorded_spec(text)

    @cached_property
    def _children(self) -> dict[int, Run]:
        place = SearchRun(**self.result.mlflow.model_dump())
        return self.mlflow.ask(lambda client: find_children(client, place))

    def _text(self, name: str) -> str | None:
        """A file of the search from its folder, else from MLflow; None where neither has it."""
        with suppress(OSError):
            return self._folder.read(name)
        return self.mlflow.ask(lambda client: _artifact(client, self.result.mlflow.run_id, name))


def _artifact(client: MlflowClient, run_id: str, name: str) -> str | None:
    """A file of a run; None where it has none of that name."""
    if all(one.path != name for one in client.list_artifacts(run_id)):
        return None
    with TemporaryDirectory(prefix="tuneyard-") as here:
        return Path(client.download_artifacts(run_id, name, here)).read_text()
