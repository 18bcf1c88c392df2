"""The summary that a notebook shows."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tuneyard.search.outcome.html import summary
from tuneyard.search.results.result import (
    BaselineResult,
    BestResult,
    MlflowResult,
    SearchResult,
)
from tuneyard.search.results.state import SearchState
from tuneyard.spaces import Value
from tuneyard.spaces.objective import Objective

BASELINE: dict[str, Value] = {"lr": 0.1, "kind": "sgd", "momentum": 0.0, "epochs": 30}
BEST: dict[str, Value] = {"lr": 0.012345678, "kind": "adam", "beta": 0.9, "epochs": 30}


def result(
    best: dict[str, Value] | None, state: SearchState = "completed", **more: object
) -> SearchResult:
    values: dict[str, object] = {
        "search": "my-search",
        "task": "diabetes",
        "state": state,
        "objective": Objective("val_accuracy", "max"),
        "trials": {"total": 5, "completed": 3, "early_stopped": 2, "failed": 0},
        "baseline": BaselineResult(value=0.5, config=BASELINE),
        "best": best
        and BestResult(
            value=0.61, config=best, epoch=7, mlflow_run_id="abc", test={"test_accuracy": 0.6}
        ),
        "mlflow": MlflowResult(tracking_uri="x", experiment_id="1", run_id="2"),
        "wall_s": 83.4,
    }
    return SearchResult.model_validate(values | more)


class Rows(HTMLParser):
    """The rows of a page's tables, and whether every tag that was opened was closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_best_against_baseline() -> None:
    page = summary(result(BEST))
    rows = Rows(page).rows
    assert ["baseline", "0.5", ""] in rows
    assert ["best", "0.61", "+22.0 %"] in rows
    assert ["", "val_accuracy (higher is better)", "change"] in rows
    assert ["test_accuracy", "0.6"] in rows
    text = re.sub(r"<[^>]*>", "", page)
    assert "my-search completed" in text
    assert "diabetes · 5 trials (3 completed, 2 early stopped) · 1:23 min" in text
    assert "Best config, at epoch 7" in text


def test_what_is_as_in_the_baseline_is_folded() -> None:
    shown, _, folded = summary(result(BEST)).partition("<details>")
    assert ["kind", "sgd", "adam"] in Rows(shown + "</div>").rows
    assert ["lr", "0.1", "0.01235"] in Rows(shown + "</div>").rows
    assert ["beta", "", "0.9"] in Rows(shown + "</div>").rows
    assert ["momentum", "0", ""] in Rows(shown + "</div>").rows
    assert "epochs" not in shown
    assert "1 parameter as in the baseline" in folded
    assert "<td" in folded


def test_the_baseline_may_be_the_best() -> None:
    page = summary(result(BASELINE))
    assert "The best config is the baseline." in page
    assert "4 parameters as in the baseline" in page


def test_a_search_that_failed() -> None:
    page = summary(result(None, "failed", baseline=BaselineResult(value=None, config=BASELINE)))
    assert ["baseline", "none", ""] in Rows(page).rows
    assert "No trial succeeded" in page
    assert "Best" not in page


@pytest.mark.parametrize("odd", ["<script>alert(1)</script>", '"quoted" & <b>'])
def test_everything_is_escaped(odd: str) -> None:
    page = summary(result({odd: odd}, search=odd, task=odd, objective=Objective(odd, "max")))
    assert odd not in page
    assert "<script" not in page
    assert [odd, "", odd] in Rows(page).rows


def test_it_sets_no_colours() -> None:
    """They would be wrong in the other of light and dark."""
    assert not re.search(r"color|background|#[0-9a-f]{3}", summary(result(BEST)))
