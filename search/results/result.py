"""`SearchResult`: what a search found, the same on the terminal, as JSON and in Python."""

from __future__ import annotations

from collections.abc import Sequence

from tuneyard.search.frozen import Frozen
from tuneyard.search.results.comparison import percent_change
from tuneyard.search.results.state import SearchState
from tuneyard.search.trials.record import TrialRecord, count_states
from tuneyard.spaces import Value
from tuneyard.spaces.objective import Objective


class BaselineResult(Frozen):
    """The baseline; `value` is None where it gave none."""

    value: float | None
    config: dict[str, Value]


class BestResult(Frozen):
    """The best trial: its value at its best epoch, and its model's metrics on the test split."""

    value: float
    config: dict[str, Value]
    epoch: int
    mlflow_run_id: str
    test: dict[str, float]


class MlflowResult(Frozen):
    """Where the search is recorded."""

    tracking_uri: str
    experiment_id: str
    run_id: str


class SearchResult(Frozen):
    """What a search found.

    Attributes:
        search: Its name.
        task: Its task.
        state: Whether it ran to its end, a person stopped it, or no trial succeeded; read back
            before that, whether it runs, waits, or was interrupted.
        objective: What ranks trials.
        trials: How many, in all and by how they ended.
        baseline: The first trial.
        best: The best trial; None where none succeeded.
        mlflow: Where it is recorded.
        wall_s: Seconds from start to end.
    """

    search: str
    task: str
    state: SearchState
    objective: Objective
    trials: dict[str, int]
    baseline: BaselineResult
    best: BestResult | None
    mlflow: MlflowResult
    wall_s: float

    @property
    def improvement(self) -> float | None:
        """Percent by which the best value differs from the baseline's; None without both."""
        return percent_change(self.best.value if self.best else None, self.baseline.value)


def count_trials(records: Sequence[TrialRecord]) -> dict[str, int]:
    """How many trials there are, in all and by how they ended."""
    return {"total": len(records)} | {str(state): n for state, n in count_states(records).items()}


def best_result(best: TrialRecord, test: dict[str, float]) -> BestResult:
    """The best trial as a field of a result."""
    assert best.value is not None
    return BestResult(
        value=best.value,
        config=best.best_params,
        epoch=best.best_epoch,
        mlflow_run_id=best.run_id,
        test=test,
    )
