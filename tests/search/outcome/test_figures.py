"""The figures of a search: what is drawn, and on which scale."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest

from tuneyard.search import Outcome, SearchError
from tuneyard.search.results.csv import trials_csv
from tuneyard.search.results.result import SearchResult
from tuneyard.search.trials.record import TrialRecord

KINDS = ("history", "curves", "importance", "parallel", "slices")


def trace(figure: Any, name: str) -> Any:
    (one,) = [trace for trace in figure.data if trace.name == name]
    return one


def test_history_marks_the_baseline(found: Outcome) -> None:
    figure = found.figure("history")
    drawn = {
        x: y
        for one in figure.data
        if one.mode == "markers"
        for x, y in zip(one.x, one.y, strict=True)
    }
    assert drawn == found.trials["value"].dropna().to_dict()
    best = trace(figure, "best so far")
    assert best.y[0] == 0.5
    assert list(best.y) == sorted(best.y, reverse=True)
    assert list(best.y)[-1] == found.best.value  # type: ignore[union-attr]
    (line,) = figure.layout.shapes
    assert (line.y0, line.y1) == (0.5, 0.5)
    assert figure.layout.annotations[0].text == "baseline 0.5"


def test_curves_show_best_and_baseline(found: Outcome) -> None:
    figure = found.figure("curves")
    assert list(trace(figure, "baseline").y) == pytest.approx([0.6, 0.55, 0.5])
    best = trace(figure, "best")
    assert list(best.x) == [1, 2, 3]
    assert best.y[-1] == 0.6 - 11 / 100
    assert set(best.customdata) == {11}
    others = trace(figure, "other trials")
    # eight trials of three epochs and one of two, a gap after each
    assert len(others.x) == 8 * 3 + 2 + 9
    assert sum(math.isnan(x) for x in others.x) == 9
    assert set(others.customdata) == set(range(12)) - {0, 4, 11}


def test_importance_has_parameters_of_branches(found: Outcome) -> None:
    (bars,) = found.figure("importance").data
    assert sum(bars.x) == pytest.approx(1)
    assert list(bars.x) == sorted(bars.x)
    assert set(bars.y) < set(found.trials.columns)
    missing = found.trials[list(bars.y)].isna().any()
    assert missing.any(), "parameters that some trials lack are there"


def test_slices_have_the_scale_of_the_space(found: Outcome) -> None:
    figure = found.figure("slices")
    axes = {axis.title.text: axis for axis in figure.select_xaxes() if axis.title.text}
    assert len(axes) == 12
    types = {path: axis.type for path, axis in axes.items()}
    assert {"log", "category"} <= set(types.values())
    for path, kind in types.items():
        if path.endswith((".lr", "hidden_sizes.0")):
            assert kind == "log", path
        if path.endswith((".kind", ".on", "activation")):
            assert kind == "category", path
    some = next(axis for axis in axes.values() if axis.type == "log")
    assert 10 ** some.range[0] < some.tickvals[0] < some.tickvals[-1] < 10 ** some.range[1]


def test_parallel_lies_by_the_logarithm(recorded: Any) -> None:
    space = {
        "optimizer.kind": "sgd",
        "optimizer.sgd.weight_decay": None,
        "schedule.kind": "constant",
        "hidden_sizes.length": 1,
        "activation": ["relu", "tanh"],
    }
    recorded.folder.write("spec.yaml", as_yaml(space))
    for record in recorded.records:
        record.best_params = {
            "optimizer.sgd.lr": 10.0 ** -(1 + record.number % 3),
            "activation": ["relu", "tanh"][record.number % 2],
            **({"batch_size": 64} if record.number > 5 else {}),
        }
    recorded.folder.write("trials.csv", trials_csv(recorded.records))
    (lines,) = recorded.outcome().figure("parallel").data
    axes = {axis.label: axis for axis in lines.dimensions}
    assert set(axes) == {"optimizer.sgd.lr", "activation", "batch_size", "val_loss"}
    numbers = [record.number for record in recorded.records if record.state != "diverged"]
    assert list(axes["optimizer.sgd.lr"].values) == pytest.approx(
        [-(1 + number % 3) for number in numbers]
    )
    words = axes["activation"]
    shown = [words.ticktext[words.tickvals.index(rank)] for rank in words.values]
    assert shown == [["relu", "tanh"][number % 2] for number in numbers]
    sizes = axes["batch_size"]
    shown = [sizes.ticktext[sizes.tickvals.index(rank)] for rank in sizes.values]
    assert shown == ["absent" if number <= 5 else "64" for number in numbers]


def as_yaml(space: dict[str, Any]) -> str:
    from tuneyard.search.spec.files import parse_spec

    return parse_spec({"task": "diabetes", "space": space}).to_yaml()


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_can_be_shown(found: Outcome, kind: str) -> None:
    figure = found.figure(kind)
    assert "my-search" in figure.layout.title.text
    assert figure.to_json()
    values = [np.asarray(getattr(one, "y", None), dtype=object) for one in figure.data]
    assert values


def test_an_unknown_figure_is_refused_with_the_names(found: Outcome) -> None:
    with pytest.raises(SearchError) as refused:
        found.figure("pie")
    assert str(refused.value) == f"figure must be one of {', '.join(KINDS)}, got 'pie'"


def test_figures_without_plotly(found: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("tuneyard.search.outcome.")]:
        if name.rpartition(".")[2] in ("figures", "parallel", "slices"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(SearchError, match=r"pip install 'tuneyard\[notebook\]'"):
        found.figure("history")
    assert len(found.trials) == 12


def few(recorded: Any, records: list[TrialRecord]) -> Outcome:
    """A search of which these trials alone are left."""
    recorded.folder.write("trials.csv", trials_csv(records))
    result: SearchResult = recorded.result
    counts = result.trials | {"total": len(records)}
    return Outcome(result.model_copy(update={"trials": counts}), recorded.settings)


def test_too_few_trials_for_the_importance(recorded: Any) -> None:
    found = few(recorded, recorded.records[:5])
    with pytest.raises(SearchError, match="needs 10 trials that ended by themselves, got 3"):
        found.figure("importance")
    # the others do without it
    assert len(found.figure("parallel").data[0].dimensions) == 9
    assert found.figure("slices").data


def test_a_search_without_a_value(recorded: Any) -> None:
    found = few(recorded, [recorded.records[4]])
    for kind in ("parallel", "slices"):
        with pytest.raises(SearchError, match="has no trial with a value to draw"):
            found.figure(kind)
    assert len(found.figure("history").data) == 1, "an empty line, and the baseline"


def test_curves_of_a_search_whose_best_is_the_baseline(recorded: Any) -> None:
    found = few(recorded, recorded.records[:1])
    best = found.result.model_copy(
        update={"best": found.best and found.best.model_copy(update={"value": 0.5, "epoch": 3})}
    )
    figure = Outcome(best, recorded.settings).figure("curves")
    assert [one.name for one in figure.data] == ["other trials", "baseline, the best"]
