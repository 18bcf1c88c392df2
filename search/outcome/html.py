"""The summary of a search as HTML, for notebooks.

It sets no colours of its own but by opacity, so that it reads in light and dark, and no style
sheet, since some pages that show notebooks drop those.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tuneyard.search.results.comparison import percent, short
from tuneyard.search.results.result import SearchResult

_CELL = "text-align:left;padding:0.15em 1.2em 0.15em 0;vertical-align:top"
_HEAD = "font-weight:600;margin:0.8em 0 0.2em"
_FAINT = "opacity:0.6"


def summary(result: SearchResult) -> str:
    """State and counts, baseline against best, the test metrics, and the best config.

    Args:
        result: Of the search.
    """
    parts = [_title(result), _values(result)]
    if result.best:
        parts += [_test(result), _config(result)]
    else:
        parts.append(_paragraph("No trial succeeded: the column reason of .trials says why."))
    return f'<div style="line-height:1.4;max-width:60em">{"".join(parts)}</div>'


def _title(result: SearchResult) -> str:
    counts = ", ".join(
        f"{count} {state.replace('_', ' ')}"
        for state, count in result.trials.items()
        if count and state != "total"
    )
    trials = f"{result.trials['total']} trials" + (f" ({counts})" if counts else "")
    facts = " · ".join((result.task, trials, _duration(result.wall_s)))
    return (
        f"<div><strong>{escape(result.search)}</strong> {escape(result.state)}"
        f'<div style="{_FAINT}">{escape(facts)}</div></div>'
    )


def _values(result: SearchResult) -> str:
    metric = result.objective.metric
    better = "higher" if result.objective.mode == "max" else "lower"
    baseline = result.baseline.value
    rows = [["baseline", "none" if baseline is None else short(baseline), ""]]
    if result.best:
        rows.append(["best", short(result.best.value), percent(result.improvement)])
    return _table(("", f"{metric} ({better} is better)", "change"), rows, strong=1)


def _test(result: SearchResult) -> str:
    assert result.best is not None
    rows = [[name, short(value)] for name, value in result.best.test.items()]
    return _section("Best model on the test split", _table(("metric", "value"), rows))


def _config(result: SearchResult) -> str:
    """The parameters that differ from the baseline's; those that do not, folded."""
    assert result.best is not None
    best, baseline = result.best.config, result.baseline.config
    paths = [*best, *(path for path in baseline if path not in best)]
    rows = [[path, _value(baseline.get(path, "")), _value(best.get(path, ""))] for path in paths]
    changed = [row for row in rows if row[1] != row[2]]
    same = [[path, value] for path, value, other in rows if value == other]
    parts = []
    if changed:
        parts.append(_table(("parameter", "baseline", "best"), changed))
    else:
        parts.append(_paragraph("The best config is the baseline."))
    if same:
        table = _table(("parameter", "value"), same)
        head = f"{len(same)} parameter{'s' if len(same) > 1 else ''} as in the baseline"
        parts.append(f'<details><summary style="{_FAINT}">{head}</summary>{table}</details>')
    return _section(f"Best config, at epoch {result.best.epoch}", "".join(parts))


def _value(value: object) -> str:
    return short(value)  # type: ignore[arg-type]


def _section(title: str, content: str) -> str:
    return f'<div style="{_HEAD}">{escape(title)}</div>{content}'


def _paragraph(text: str) -> str:
    return f"<div>{escape(text)}</div>"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], strong: int | None = None) -> str:
    """A table; `strong` is the index of a row in bold."""
    head = "".join(f'<th style="{_CELL}">{escape(name)}</th>' for name in columns)
    body = ""
    for index, row in enumerate(rows):
        weight = ";font-weight:600" if index == strong else ""
        cells = (f'<td style="{_CELL}{weight}">{escape(cell)}</td>' for cell in row)
        body += f"<tr>{''.join(cells)}</tr>"
    return (
        f'<table style="margin:0.3em 0"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d} min"
