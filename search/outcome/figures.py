"""The figures of a search, one function each, drawn with plotly."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go

from tuneyard.search.errors import SearchError
from tuneyard.search.outcome.left import Left
from tuneyard.search.outcome.parallel import parallel
from tuneyard.search.outcome.slices import slices
from tuneyard.search.results.comparison import short
from tuneyard.search.trials.record import FAILURES
from tuneyard.trainables.worker.assignment import BASELINE

BLUE, ORANGE, GREY, RED = "#1f77b4", "#e07b00", "#8a8a8a", "#c62828"
_STATES = {"completed": BLUE, "early_stopped": "#17a2b8", "pruned": GREY, "running": "#b0b0b0"}
_STATES |= dict.fromkeys(FAILURES, RED)

BARS = 20
"""The others, of a larger space, are next to nothing."""


def history(left: Left) -> go.Figure:
    """Every trial's value by number, the best so far, and the baseline."""
    objective = left.result.objective
    valued = left.trials.dropna(subset=["value"])
    figure = go.Figure()
    for state, trials in valued.groupby("state", sort=False):
        figure.add_scatter(
            x=trials.index,
            y=trials["value"],
            mode="markers",
            name=str(state).replace("_", " "),
            marker={"color": _STATES[str(state)], "size": 7},
            hovertemplate="trial %{x}: %{y:.4g}<extra></extra>",
        )
    succeeded = valued[~valued["state"].isin(FAILURES)]["value"]
    best = succeeded.cummax() if objective.mode == "max" else succeeded.cummin()
    figure.add_scatter(
        x=best.index,
        y=best,
        mode="lines",
        name="best so far",
        line={"shape": "hv", "color": BLUE},
        hoverinfo="skip",
    )
    baseline = left.result.baseline.value
    if baseline is not None:
        figure.add_hline(
            y=baseline,
            line={"dash": "dash", "color": ORANGE},
            annotation={"text": f"baseline {short(baseline)}", "font": {"color": ORANGE}},
        )
    figure.update_xaxes(title="trial")
    figure.update_yaxes(title=objective.metric)
    return _titled(figure, left, "trials")


def curves(left: Left) -> go.Figure:
    """The metric that ranks trials by epoch: the best trial and the baseline before all others."""
    metric = left.result.objective.metric
    if metric not in left.curves:
        raise SearchError(
            f"search {left.result.search!r} has no curves of {metric} in MLflow; metrics that it "
            f"has: {', '.join(left.curves.columns[2:]) or 'none'}"
        )
    points = left.curves.dropna(subset=[metric])
    best, baseline = left.best_number, BASELINE
    figure = go.Figure()
    others = points[~points["trial"].isin([best, baseline])]
    x: list[float] = []
    y: list[float] = []
    numbers: list[int] = []
    for trial, curve in others.groupby("trial"):
        # one trace: thousands of them are slow; NaN parts one line from the next
        x += [*curve["epoch"].tolist(), math.nan]
        y += [*curve[metric].tolist(), math.nan]
        numbers += [int(str(trial))] * (len(curve) + 1)
    _line(figure, x, y, numbers, name="other trials", color=GREY, opacity=0.35, width=1)
    shown = {baseline: ("baseline", ORANGE)}
    if best is not None:
        shown[best] = ("baseline, the best", BLUE) if best == baseline else ("best", BLUE)
    for number, (name, color) in shown.items():
        curve = points[points["trial"] == number]
        numbers = [number] * len(curve)
        _line(figure, curve["epoch"], curve[metric], numbers, name=name, color=color)
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title=metric)
    return _titled(figure, left, "curves")


def _line(
    figure: go.Figure,
    x: list[float] | pd.Series,
    y: list[float] | pd.Series,
    numbers: list[int],
    *,
    name: str,
    color: str,
    opacity: float = 1.0,
    width: float = 2.5,
) -> None:
    """Adds a line, unless it has no points; its dots show a trial of one epoch too."""
    if len(x) == 0:
        return
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines+markers",
        name=name,
        customdata=numbers,
        opacity=opacity,
        line={"color": color, "width": width},
        marker={"size": 2 * width},
        hovertemplate="trial %{customdata}, epoch %{x}: %{y:.4g}<extra></extra>",
    )


def importance(left: Left) -> go.Figure:
    """How much each parameter decides whether a trial is among the best tenth, as bars."""
    found = left.importances
    paths = list(found)[:BARS][::-1]
    figure = go.Figure(
        go.Bar(
            x=[found[path] for path in paths],
            y=paths,
            orientation="h",
            marker={"color": BLUE},
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    title = "share of the importance (PED-ANOVA)"
    if len(found) > BARS:
        title += f", the first {BARS} of {len(found)} parameters"
    figure.update_xaxes(title=title, tickformat=".0%")
    figure.update_layout(height=140 + 24 * len(paths))
    return _titled(figure, left, "importance")


def _titled(figure: go.Figure, left: Left, what: str) -> go.Figure:
    figure.update_layout(
        title={"text": f"{left.result.search}: {what}", "font": {"size": 15}},
        template="plotly_white",
    )
    return figure


FIGURES: dict[str, Callable[[Left], go.Figure]] = {
    "history": history,
    "curves": curves,
    "importance": importance,
    "parallel": lambda left: _titled(parallel(left), left, "parallel coordinates"),
    "slices": lambda left: _titled(slices(left), left, "slices"),
}
