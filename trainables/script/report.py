"""`report`: tells a search what a program measured; a Python program's one line of tuneyard."""

from __future__ import annotations

import json
import sys
from typing import SupportsFloat


def report(epoch: int | None = None, **metrics: SupportsFloat) -> None:
    """Prints one epoch's metrics as a line of JSON on the standard output.

    Write the files in ``TUNEYARD_FOLDER`` before it, so that they belong to the epoch.

    Args:
        epoch: The number of the epoch, from 1; None counts the calls.
        metrics: One number each: a number of Python or NumPy, or a tensor with one element.

    Raises:
        TypeError: One of them is not a number.
    """
    numbered: dict[str, float] = {} if epoch is None else {"epoch": int(epoch)}
    for name, value in metrics.items():
        numbered[name] = as_number(name, value)
    # in one piece, so that what other threads print stays out of the line
    sys.stdout.write(f"{json.dumps(numbered)}\n")
    sys.stdout.flush()


def as_number(name: str, value: SupportsFloat) -> float:
    """A metric as a number.

    Args:
        name: Of the metric.
        value: A number of Python or NumPy, or a tensor with one element.

    Raises:
        TypeError: It is not a number.
    """
    # a tensor's own conversion warns of its gradient
    plain = value.detach() if hasattr(value, "detach") else value
    try:
        return float(plain)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(
            f"report({name}=...) must be one number, got {value!r:.80} ({type(value).__name__})"
        ) from None
