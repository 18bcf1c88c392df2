"""Parallel coordinates: every trial a line through its parameters to its value."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from tuneyard.search.errors import SearchError
from tuneyard.search.outcome.left import Left
from tuneyard.search.outcome.scales import TICKS, axis_of
from tuneyard.search.results.comparison import short
from tuneyard.search.trials.record import FAILURES

AXES = 8
"""More of them can't be told apart on the width of a page."""


def parallel(left: Left) -> go.Figure:
    """The trials with a value as lines, by colour from worse to better.

    Of more than eight parameters it shows the foremost; see `Left.foremost`.
    """
    trials, paths = left.trials.dropna(subset=["value"]), left.foremost(AXES)
    trials = trials[~trials["state"].isin(FAILURES)]
    if trials.empty or not paths:
        raise SearchError(f"search {left.result.search!r} has no trial with a value to draw")
    dimensions: list[dict[str, object]] = []
    for path in paths:
        axis = axis_of(trials[left.columns[path]], left.dimensions[path])
        ends = [*axis.ticks, *axis.values]
        dimensions.append(
            {
                "label": path,
                "values": axis.values,
                "tickvals": axis.ticks,
                "ticktext": axis.texts,
                "range": [min(ends), max(ends)],
            }
        )
    objective, values = left.result.objective, trials["value"].tolist()
    ticks = np.linspace(min(values), max(values), TICKS).tolist()
    dimensions.append(
        {
            "label": objective.metric,
            "values": values,
            "tickvals": ticks,
            "ticktext": [short(tick) for tick in ticks],
        }
    )
    lines = go.Parcoords(
        dimensions=dimensions,
        line={
            "color": values,
            "colorscale": "Blues" if objective.mode == "max" else "Blues_r",
            "showscale": True,
        },
        labelangle=-20,
        labelside="bottom",
    )
    return go.Figure(lines, layout={"margin": {"b": 110}})
