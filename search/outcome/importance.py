"""How much each parameter decides whether a trial is among the best."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping

import optuna
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import TrialState

from tuneyard.search.errors import SearchError
from tuneyard.search.outcome.frames import param_column
from tuneyard.spaces import Float, Int, Value
from tuneyard.spaces.language.categorical import Choice
from tuneyard.spaces.language.dimensions import Dimension
from tuneyard.spaces.objective import Objective

MIN_TRIALS = 10
"""With fewer, the best tenth of the trials is one of them."""


def importances(
    trials: pd.DataFrame, dimensions: Mapping[str, Dimension], objective: Objective
) -> dict[str, float]:
    """The importance of each parameter that was searched, by PED-ANOVA.

    It compares where the best tenth of the trials lies with where all lie, so it takes trials
    that ended by themselves: those that were pruned or failed have no comparable value.
    Parameters that exist in some configs alone have theirs too. Source: Watanabe et al.,
    PED-ANOVA, IJCAI 2023.

    Args:
        trials: See `tuneyard.search.outcome.frames.trials_frame`.
        dimensions: What was searched, by path.
        objective: What ranks the trials.

    Returns:
        Shares of 1 by path, the largest first; all are 0 where the trials show no difference.

    Raises:
        SearchError: Fewer than 10 trials ended by themselves.
    """
    ended = trials[trials["state"].isin(["completed", "early_stopped"])]
    if len(ended) < MIN_TRIALS:
        raise SearchError(
            f"the importance of parameters needs {MIN_TRIALS} trials that ended by themselves, "
            f"got {len(ended)}; give the search more trials, or scheduler='none'"
        )
    with warnings.catch_warnings():
        # that a step does not divide a range, and that few trials took a branch: the figure shows
        # the latter, since the branch's parameters then have little weight
        warnings.simplefilter("ignore")
        found = PedAnovaImportanceEvaluator().evaluate(_study(ended, dimensions, objective))
    total = sum(found.values())
    return {path: value / total if total else 0.0 for path, value in found.items()}


def _study(
    trials: pd.DataFrame, dimensions: Mapping[str, Dimension], objective: Objective
) -> optuna.Study:
    """A study in memory that has these trials."""
    # or Optuna logs that it made a study
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize" if objective.mode == "max" else "minimize")
    distributions = {path: _distribution(leaf) for path, leaf in dimensions.items()}
    for row in trials.to_dict("records"):
        params = _params(row, dimensions)
        study.add_trial(
            optuna.create_trial(
                state=TrialState.COMPLETE,
                value=row["value"],
                params=params,
                distributions={path: distributions[path] for path in params},
            )
        )
    return study


def _params(
    row: Mapping[Hashable, object], dimensions: Mapping[str, Dimension]
) -> dict[str, Value]:
    """The parameters that a trial has: neither NA nor, as PBT may leave them, outside the space."""
    return {
        path: leaf.domain.read(row[column])
        for path, leaf in dimensions.items()
        if (column := param_column(path)) in row and leaf.domain.contains(row[column])
    }


def _distribution(leaf: Dimension) -> BaseDistribution:
    match leaf.domain:
        case Float(low, high, log, step):
            return FloatDistribution(low, high, log=log, step=step)
        case Int(low, high, log, step):
            return IntDistribution(low, high, log=log, step=step or 1)
        case Choice(choices):
            return CategoricalDistribution(choices)
        case _:
            raise AssertionError(f"{leaf.path} is not searched")
