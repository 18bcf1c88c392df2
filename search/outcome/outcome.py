"""`Outcome`: what `tuneyard.search.search` and `resume` return."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from mlflow import MlflowClient
from torch import nn

from tuneyard.search.errors import SearchError
from tuneyard.search.models.champions import model_name
from tuneyard.search.models.predict import load_version
from tuneyard.search.outcome.html import summary
from tuneyard.search.outcome.left import Left
from tuneyard.search.results.comparison import best_against_baseline
from tuneyard.search.results.result import (
    BaselineResult,
    BestResult,
    MlflowResult,
    SearchResult,
)
from tuneyard.search.results.state import SearchState
from tuneyard.search.spec.settings import Settings
from tuneyard.spaces.objective import Objective

if TYPE_CHECKING:
    import plotly.graph_objects as go


class Outcome:
    """What a search found: its result at once, its trials, curves, figures and model when asked.

    In a notebook it shows itself as a summary.

    Args:
        result: Of the search.
        settings: Where the search ran and wrote.

    Attributes:
        result: What the command line prints and the service answers.
    """

    def __init__(self, result: SearchResult, settings: Settings | None = None) -> None:
        self.result = result
        self._left = Left(result, settings or Settings())

    @property
    def search(self) -> str:
        """The search's name, by which `resume` and the command line know it."""
        return self.result.search

    @property
    def task(self) -> str:
        """The search's task."""
        return self.result.task

    @property
    def state(self) -> SearchState:
        """Whether the search ran to its end, was stopped, or failed: no trial succeeded."""
        return self.result.state

    @property
    def objective(self) -> Objective:
        """The metric that ranks trials, and its direction."""
        return self.result.objective

    @property
    def baseline(self) -> BaselineResult:
        """The first trial: its value, which is None where it gave none, and its config."""
        return self.result.baseline

    @property
    def best(self) -> BestResult | None:
        """The best trial, with its model's metrics on the test split; None where none succeeded."""
        return self.result.best

    @property
    def improvement(self) -> float | None:
        """Percent by which the best value differs from the baseline's; None without both."""
        return self.result.improvement

    @property
    def counts(self) -> dict[str, int]:
        """How many trials there are, in all and by how they ended."""
        return self.result.trials

    @property
    def mlflow(self) -> MlflowResult:
        """Where the search is recorded."""
        return self.result.mlflow

    @property
    def wall_s(self) -> float:
        """Seconds from start to end."""
        return self.result.wall_s

    @property
    def trials(self) -> pd.DataFrame:
        """The trials, one row each.

        Its index is the trial's ``number``, 0 for the baseline. Columns: ``state``; ``reason``;
        ``value``, the objective at ``best_epoch``; ``seconds`` of training; and one for each
        parameter by its dotted path, with ``<NA>`` where the trial's config does not have it. The
        frame is the caller's own.

        Raises:
            SearchError: The search's folder is out of reach, and MLflow does not answer.
        """
        return self._left.trials.copy()

    @property
    def curves(self) -> pd.DataFrame:
        """The metrics by epoch, one row for each trial and epoch.

        Columns: ``trial``, ``epoch`` (from 1), and one for each metric, such as ``train_loss``.
        Curves of more than 100 epochs are thinned to about 100 points. The frame is the caller's
        own.

        Raises:
            SearchError: MLflow does not answer.
        """
        return self._left.curves.copy()

    def load_model(self) -> nn.Module:
        """The best model as it was registered, on the CPU.

        It is torch's exported graph: loading it runs no code of the task's, nor unpickles anything.

        Raises:
            SearchError: No trial succeeded, or MLflow does not answer or has no such model.
        """
        if self.best is None:
            raise SearchError(f"search {self.search!r} has no model: no trial succeeded")
        run_id = self.best.mlflow_run_id
        return self._left.mlflow.ask(lambda client: _load(client, self.result, run_id))

    def figure(self, kind: str) -> go.Figure:
        """A figure of the search.

        Args:
            kind: ``history``, values by trial; ``curves``, values by epoch; ``importance`` of the
                parameters; ``parallel`` coordinates of the trials; or ``slices``, values by each
                parameter. Axes of parameters that are searched on a logarithmic scale are
                logarithmic.

        Raises:
            SearchError: There is no such figure, plotly is not installed, or the search has not
                what the figure shows.
        """
        try:
            from tuneyard.search.outcome.figures import FIGURES
        except ModuleNotFoundError as error:
            raise SearchError(
                f"figures need {error.name}, which is not installed; run: "
                "pip install 'tuneyard[notebook]'"
            ) from None
        if kind not in FIGURES:
            raise SearchError(f"figure must be one of {', '.join(FIGURES)}, got {kind!r}")
        return FIGURES[kind](self._left)

    def __repr__(self) -> str:
        best = best_against_baseline(
            self.objective.metric, self.best.value if self.best else None, self.baseline.value
        )
        facts = [self.search, self.state, f"{self.counts['total']} trials", best]
        return f"<Outcome: {', '.join(fact for fact in facts if fact)}>"

    def _repr_html_(self) -> str:
        """The summary that a notebook shows."""
        return summary(self.result)


def _load(client: MlflowClient, result: SearchResult, run_id: str) -> nn.Module:
    name = model_name(result.task)
    # a search that was resumed may have registered the same trial again
    found = client.search_model_versions(f"name='{name}' and run_id='{run_id}'")
    if not found:
        raise SearchError(
            f"there is no version of {name} from run {run_id} in MLflow; register one with: "
            f"tuneyard resume {result.search} --trials +1"
        )
    return load_version(client, max(found, key=lambda version: int(version.version))).module
