"""The errors of a program that does not train as it should; their messages are one line."""

from __future__ import annotations

import re
import signal

_OUT_OF_MEMORY = re.compile(
    r"out of ?memory|MemoryError|bad_alloc|can(no|')t allocate memory", re.IGNORECASE
)
_LONGEST_QUOTE = 300


class CommandError(RuntimeError):
    """A program failed.

    Attributes:
        output: The last lines that it printed, on both outputs.
    """

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class CommandMemoryError(CommandError, MemoryError):
    """A program failed because memory was full, as far as its last words tell."""


def failure(code: int, epochs: int, last_error: str, output: str) -> CommandError:
    """The error of a program that ended with another exit code than 0.

    Args:
        code: The exit code; negative for a signal.
        epochs: How many epochs it had reported.
        last_error: The last line of its standard error.
        output: The last lines that it printed.
    """
    said = last_error[:_LONGEST_QUOTE] or "it wrote nothing to its standard error"
    how = f"was killed by {_name(-code)}" if code < 0 else f"ended with exit code {code}"
    kind = CommandMemoryError if _OUT_OF_MEMORY.search(last_error) else CommandError
    return kind(f"the command {how} after {epochs} epochs: {said}", output)


def _name(number: int) -> str:
    try:
        return f"{signal.Signals(number).name} (signal {number})"
    except ValueError:
        return f"signal {number}"


def silence(metric: str, others: set[str], output: str) -> CommandError:
    """The error of a program that ended without a report of the objective.

    Args:
        metric: The objective's metric.
        others: The names of what it did report.
        output: The last lines that it printed.
    """
    seen = f"it reported {', '.join(sorted(others))}" if others else "it reported nothing"
    return CommandError(
        f"the command ended without reporting {metric}; {seen}; print a line for each epoch, "
        f'e.g. {{"epoch": 1, "{metric}": 0.5}}',
        output,
    )
