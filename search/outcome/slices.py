"""Slices: every trial's value by each parameter."""

from __future__ import annotations

import math

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tuneyard.search.errors import SearchError
from tuneyard.search.outcome.left import Left
from tuneyard.search.outcome.scales import scale_of, to_place

COLUMNS = 3
"""Slices beside each other."""

SLICES = 12
"""More of them are longer than a person reads."""


def slices(left: Left) -> go.Figure:
    """Every trial's value by each parameter, later trials darker.

    Of more than twelve parameters it shows the foremost; see `Left.foremost`.
    """
    trials, paths = left.trials.dropna(subset=["value"]), left.foremost(SLICES)
    if trials.empty or not paths:
        raise SearchError(f"search {left.result.search!r} has no trial with a value to draw")
    rows = math.ceil(len(paths) / COLUMNS)
    figure = make_subplots(
        rows,
        min(COLUMNS, len(paths)),
        shared_yaxes="all",
        horizontal_spacing=0.04,
        vertical_spacing=0.35 / rows,
    )
    for index, path in enumerate(paths):
        place = {"row": index // COLUMNS + 1, "col": index % COLUMNS + 1}
        leaf, column = left.dimensions[path], left.columns[path]
        drawn = trials.dropna(subset=[column])
        figure.add_scatter(
            x=[to_place(value, leaf) for value in drawn[column].tolist()],
            y=drawn["value"],
            mode="markers",
            marker={
                "size": 6,
                "color": drawn.index.to_numpy(),
                "colorscale": "Blues",
                # the first trials are not white
                "cmin": -trials.index.max() / 2,
                "cmax": trials.index.max(),
            },
            customdata=drawn.index,
            hovertemplate="trial %{customdata}: %{y:.4g} at %{x}<extra></extra>",
            showlegend=False,
            **place,
        )
        title = {"text": path, "font": {"size": 11}, "standoff": 4}
        figure.update_xaxes(title=title, **scale_of(leaf), **place)
    figure.update_yaxes(title=left.result.objective.metric, col=1)
    figure.update_layout(height=110 + 230 * rows)
    return figure
