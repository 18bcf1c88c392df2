"""What the command line prints for people."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tuneyard.search.results.comparison import percent, short
from tuneyard.search.results.result import SearchResult
from tuneyard.spaces import Float, Int, SearchSpace, Space, to_text
from tuneyard.spaces.language.dimensions import Dimension

PIPE_WIDTH = 160
"""Columns where stdout is not a terminal."""


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None
) -> None:
    """Prints a plain table on stdout; the first column never breaks, nothing is cut."""
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, no_wrap=index == 0, overflow="fold")
    for row in rows:
        table.add_row(*row)
    terminal = sys.stdout.isatty()
    width = None if terminal else PIPE_WIDTH
    Console(markup=False, emoji=False, highlight=False, width=width).print(table)


def space_rows(space: Space[SearchSpace]) -> list[tuple[str, ...]]:
    """A row for each leaf, fixed ones too: path, type, domain, baseline, condition."""
    return [
        (
            leaf.path,
            _type(leaf),
            leaf.domain.describe() if leaf.searched else "",
            short(leaf.baseline),
            _innermost_condition(leaf),
        )
        for leaf in space.leaves
    ]


def print_space(space: Space[SearchSpace]) -> None:
    """The space as a table, and how much of it is searched."""
    print_table(("path", "type", "domain", "baseline", "exists where"), space_rows(space))
    print(f"{len(space.dimensions())} dimensions are searched")


def _innermost_condition(leaf: Dimension) -> str:
    """The nearest condition; the others are those of the dimension that it names."""
    if not leaf.conditions:
        return ""
    condition = leaf.conditions[-1]
    return f"{condition.path}={'|'.join(to_text(value) for value in condition.values)}"


def _type(leaf: Dimension) -> str:
    if not leaf.searched:
        return "fixed"
    if isinstance(leaf.domain, Float | Int):
        return type(leaf.domain).__name__.lower()
    return "bool" if isinstance(leaf.baseline, bool) else "choice"


def print_result(result: SearchResult) -> None:
    """Baseline against best, the best config, and where to look next."""
    metric = result.objective.metric
    print(f"\nSearch {result.search} {result.state}: {_trials(result)}")
    rows = [("baseline", metric, short(result.baseline.value), "")]
    if result.best:
        rows.append(("best", metric, short(result.best.value), percent(result.improvement)))
        for name, value in result.best.test.items():
            rows.append(("best, on the test split", name, short(value), ""))
    print_table(("", "metric", "value", "change"), rows)
    if result.best:
        print_config(result)
        print(f"\nMLflow run of the best trial: {result.best.mlflow_run_id}")
    print(f"MLflow run of the search:     {result.mlflow.run_id}")


def _trials(result: SearchResult) -> str:
    """How many trials there are, by how they ended; those that have not are named too."""
    ends = {state: count for state, count in result.trials.items() if state != "total"}
    total = result.trials["total"]
    ends["running" if result.state == "running" else "unfinished"] = total - sum(ends.values())
    counts = ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in ends.items() if n)
    return f"{total} trials ({counts})" if counts else f"{total} trials"


def print_config(result: SearchResult) -> None:
    """The best config beside the baseline, with one row per parameter that either has."""
    assert result.best is not None
    best, baseline = result.best.config, result.baseline.config
    rows = [
        (path, short(baseline.get(path, "")), short(best.get(path, "")))
        for path in [*best, *(path for path in baseline if path not in best)]
    ]
    print_table(("parameter", "baseline", "best"), rows, title="\nBest config")
