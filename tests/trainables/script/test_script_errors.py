"""What a user's function does wrong costs one line, with its own traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tuneyard.spaces import SearchSpace
from tuneyard.spaces.code.errors import CodeError
from tuneyard.spaces.objective import Objective
from tuneyard.trainables import Trial
from tuneyard.trainables.script.training import ScriptTraining


class Space(SearchSpace):
    """Nothing to choose."""


def _run(training: ScriptTraining) -> None:
    while training.ended is None:
        training.run_epoch()


def failure(train: Callable[[Any, Trial], None]) -> CodeError:
    objective = Objective("loss", "min")
    cpu = torch.device("cpu")
    training = ScriptTraining(train, Space(), objective, seed=0, device=cpu)
    with pytest.raises(CodeError) as error:
        _run(training)
    training.close()
    return error.value


def test_an_error_says_where_with_the_functions_own_traceback() -> None:
    def helper() -> None:
        raise ValueError("two\nlines")

    def train(config: Space, trial: Trial) -> None:
        for epoch in trial.epochs(5):
            trial.report(loss=1)
            if epoch == 3:
                helper()

    error = failure(train)
    line = helper.__code__.co_firstlineno + 1
    assert str(error) == f"test_script_errors.py:{line}: ValueError: two lines"
    assert "in helper" in error.details
    assert "in train" in error.details
    assert "turns.py" not in error.details
    assert error.details.count("Traceback") == 1


@pytest.mark.parametrize(
    ("act", "line"),
    [
        (lambda _: None, "train returned without reporting 'loss', the objective; it reported "
         "nothing; call trial.report(loss=...)"),
        (lambda trial: trial.report(accuracy=1), "it reported accuracy; call"),
        (lambda trial: trial.report(loss="low"), "report(loss=...) must be one number, got 'low'"),
        (lambda trial: trial.report(loss=torch.ones(2)), "report(loss=...) must be one number"),
        (lambda _: sys.exit(3), "the code called sys.exit(3)"),
        (lambda trial: trial.log_figure("a", 3), "log_figure takes a figure of Matplotlib or"),
    ],
)  # fmt: skip
def test_what_a_function_does_wrong_costs_one_line(
    act: Callable[[Trial], object], line: str
) -> None:
    def train(config: Space, trial: Trial) -> None:
        act(trial)

    error = failure(train)
    assert line in str(error)
    assert "\n" not in str(error)
