"""`Outcome`: the result, at once and as it is, and a model that is not there."""

from __future__ import annotations

from typing import Any

import pytest

from tuneyard.search import Outcome, SearchError
from tuneyard.search.outcome.html import summary


def test_it_is_the_result(recorded: Any) -> None:
    result = recorded.result
    found = Outcome(result, recorded.settings)
    assert found.result is result
    for name in (
        "search",
        "task",
        "state",
        "objective",
        "baseline",
        "best",
        "improvement",
        "mlflow",
        "wall_s",
    ):
        assert getattr(found, name) == getattr(result, name)
    assert found.counts == result.trials
    assert found._repr_html_() == summary(result)


def test_it_says_what_it_is_in_one_line(found: Outcome) -> None:
    assert (
        repr(found) == "<Outcome: my-search, completed, 12 trials, val_loss 0.49 vs 0.5 (-2.0 %)>"
    )


def test_it_does_not_read_before_it_is_asked(recorded: Any, free_port: Any) -> None:
    away = recorded.settings.model_copy(update={"tracking_uri": f"http://127.0.0.1:{free_port()}"})
    assert Outcome(recorded.result, away).best is not None


def test_a_search_that_failed_has_no_model(recorded: Any) -> None:
    failed = recorded.result.model_copy(update={"best": None, "state": "failed"})
    with pytest.raises(SearchError, match="'my-search' has no model: no trial succeeded"):
        Outcome(failed, recorded.settings).load_model()


def test_a_model_that_was_not_registered(found: Outcome) -> None:
    with pytest.raises(SearchError, match="there is no version of tuneyard-diabetes from run"):
        found.load_model()
