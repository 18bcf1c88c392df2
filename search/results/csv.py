"""The table of a search's trials as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from tuneyard.search.trials.record import TrialRecord
from tuneyard.spaces import to_text

COLUMNS = ("number", "state", "reason", "value", "best_epoch", "epoch", "seconds", "node")
"""Of a trial, before its parameters; `epoch` is the last one that it trained."""


def trials_csv(records: Sequence[TrialRecord]) -> str:
    """Every trial a row: `COLUMNS`, and its parameters by their `header`."""
    paths = sorted({path for record in records for path in record.best_params | record.params})
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*COLUMNS, *map(header, paths)])
    for record in records:
        shown = record.best_params or record.params
        params = {path: to_text(value) for path, value in shown.items()}
        table.writerow(
            [
                record.number,
                record.state,
                record.reason,
                "" if record.value is None else repr(record.value),
                record.best_epoch,
                record.epoch,
                round(record.seconds, 3),
                record.node,
                *(params.get(path, "") for path in paths),
            ]
        )
    return text.getvalue()


def header(path: str) -> str:
    """The header of a parameter: its dotted path, or ``params.value`` where `COLUMNS` has it."""
    return f"params.{path}" if path in COLUMNS else path


def param_paths(headers: Sequence[str]) -> list[str]:
    """The paths of the parameters in the first row of a table."""
    names = headers[len(COLUMNS) :]
    paths = {header(path): path for path in COLUMNS}
    return [paths.get(name, name) for name in names]
