"""Writes `docs/tasks.md` from the tasks and from what benchmarks/quality.py measured.

    python docs/tasks.py > docs/tasks.md

`make docs` runs this script, and a test checks that the page agrees with the code.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

from tuneyard.search.results.comparison import short
from tuneyard.search.results.tables import space_rows
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.registry import descriptions
from tuneyard.trainables.task import Task, find_task

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "quality.json"

HEAD = """# The tasks

Every model of [the courses](../README.md#the-tasks) is a task: a typed space whose defaults are the
course's hand-set values, its data, and the metric that ranks its trials. The best config is chosen
on the validation split; the test split is read once, by the model of that config.

This page is written by `make docs` from the code and from `benchmarks/quality.json`, the results of
`benchmarks/quality.py` on a virtual machine with 2 CPU cores and no GPU. There, `image-transfer` is
searched on a folder of pictures made from scikit-learn's digits, without ImageNet's weights.
"""


def page() -> str:
    """The whole page in Markdown."""
    measured: dict[str, Any] = json.loads(RESULTS.read_text())
    tasks = [find_task(name) for name in sorted(descriptions())]
    rows = [_summary(task, measured.get(task.name)) for task in tasks]
    columns = (
        "task",
        "metric",
        "the course reports",
        "baseline",
        "best",
        "the best config on the test split",
        "command",
    )
    sections = [_section(task, measured.get(task.name)) for task in tasks]
    return "\n".join([HEAD, _table(columns, rows), *sections])


def _summary(task: Task[TrainingSpace], found: dict[str, Any] | None) -> tuple[str, ...]:
    link = f"[`{task.name}`](#{task.name})"
    start = (
        link,
        f"{task.objective.metric}, {task.objective.mode}",
        task.description.course_result or "-",
    )
    if found is None:
        return (*start, "", "not measured yet", "", "")
    result = found["result"]
    test = result["best"]["test"]
    tests = ", ".join(f"{name[5:]} {short(value)}" for name, value in test.items())
    values = [short(result[which]["value"]) for which in ("baseline", "best")]
    return (*start, *values, tests, f"`{found['command']}`")


def _section(task: Task[TrainingSpace], found: dict[str, Any] | None) -> str:
    space = task.space.space()
    lines = [f"\n## {task.name}\n", _described(task.space), ""]
    if task.description.data:
        lines.append(
            f"Data: `--data` {', '.join(f'`{name}`' for name in task.description.data)}.\n"
        )
    if found is not None:
        lines.append(_measured(found))
    lines.append("<details><summary>The space</summary>\n")
    rows = [tuple(cell.replace("|", "\\|") for cell in row) for row in space_rows(space)]
    lines.append(_table(("path", "type", "domain", "baseline", "exists where"), rows))
    lines.append("</details>")
    return "\n".join(lines)


def _described(space: type[TrainingSpace]) -> str:
    """A space's docstring, its attributes as a list."""
    text, _, attributes = inspect.cleandoc(space.__doc__ or "").partition("Attributes:\n")
    joined = re.sub(r"\n {5,}", " ", attributes)
    return text + re.sub(r"^ {4}(\w+):", r"- `\1`:", joined, flags=re.MULTILINE)


def _measured(found: dict[str, Any]) -> str:
    result = found["result"]
    best, baseline = result["best"]["config"], result["baseline"]["config"]
    changed = ", ".join(
        f"`{path}` {short(value)}" for path, value in best.items() if baseline.get(path) != value
    )
    took = f"{result['trials']['total']} trials in {result['wall_s'] / 60:.1f} min"
    values = " -> ".join(short(result[which]["value"]) for which in ("baseline", "best"))
    return (
        f"`{found['command']}` on {found['day']}: {took}, {result['objective']['metric']} {values} "
        f"at epoch {result['best']['epoch']}. Where the best config differs from the baseline: "
        f"{changed}.\n"
    )


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
