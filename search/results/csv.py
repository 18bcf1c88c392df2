"""The table of a search's trials as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from tuneyard.search.trials.record import TrialRecord
from tuneyard.spaces import to_text


def trials_csv(records: Sequence[TrialRecord]) -> str:
    """Every trial a row: number, state, reason, value, best epoch, epochs, seconds, params."""
    paths = sorted({path for record in records for path in record.best_params | record.params})
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(
        ["number", "state", "reason", "value", "best_epoch", "epochs", "seconds", "node", *paths]
    )
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
