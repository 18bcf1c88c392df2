"""`Report`, what a program says of one epoch, and `ReportReader`, which finds it in its output."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

_NOT_FINITE = ("nan", "inf", "infinity", "na")
"""How languages whose JSON has no such numbers write them as text; others write null."""


@dataclass(frozen=True)
class Report:
    """One reported line.

    Attributes:
        number: The number that the program gave the epoch; None where it does not count.
        metrics: Its values by name, the objective among them.
    """

    number: int | None
    metrics: dict[str, float]


class ReportReader:
    """Finds the reports among the lines that a program prints.

    A report is a line with a JSON object that has the objective's metric as a number; its other
    numbers are metrics too, except for ``epoch``. What is not a number in it is ignored.

    Args:
        metric: The name of the objective's metric.

    Attributes:
        others: The names of the numbers in objects without the objective, for a message.
    """

    def __init__(self, metric: str) -> None:
        self._metric = metric
        self.others: set[str] = set()

    def read(self, line: str) -> Report | None:
        """The report on a line; None where it has none."""
        text = line.strip()
        if not (text.startswith("{") and text.endswith("}")):
            return None
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return None
        number = found.pop("epoch", None)
        metrics = {
            name: value for name, raw in found.items() if (value := _number(raw)) is not None
        }
        if self._metric not in metrics and self._metric in found and found[self._metric] is None:
            metrics[self._metric] = math.nan
        if self._metric not in metrics:
            self.others |= metrics.keys()
            return None
        return Report(_epoch(number), metrics)


def _number(raw: object) -> float | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int | float):
        try:
            return float(raw)
        except OverflowError:
            return math.inf
    if isinstance(raw, str) and raw.strip().lstrip("+-").lower() in _NOT_FINITE:
        return math.nan
    return None


def _epoch(number: object) -> int | None:
    """The number of an epoch, which some languages write as ``3.0``."""
    if isinstance(number, float) and number.is_integer():
        return int(number)
    return number if isinstance(number, int) and not isinstance(number, bool) else None


class Numbering:
    """Turns the numbers that a program gives its epochs into ours, which count from 1.

    A program may count from 0 or from 1, or not at all.

    Args:
        epoch: See the attribute.
        first: See the attribute.

    Attributes:
        epoch: The number of the last epoch; 0 before the first.
        first: The number that the program gives the first epoch, 0 or 1; None before it is known.
    """

    def __init__(self, epoch: int = 0, first: int | None = None) -> None:
        self.epoch = epoch
        self.first = first
        self._resumed = False

    def resume(self) -> None:
        """The program starts again; it may go on, or count from its first number again."""
        self._resumed = True

    def take(self, number: int | None) -> bool:
        """Counts an epoch; returns whether it is new, rather than one that is known.

        Args:
            number: The program's number for it; None if it gives none.

        Raises:
            ValueError: Epochs are missing before it.
        """
        if self.first is None and number is not None and not self.epoch:
            self.first = 0 if number == 0 else 1
        following = self.epoch + 1
        epoch = following if number is None else number + (1 if self.first == 0 else 0)
        if epoch < following:
            return False
        # the files that a program goes on from may be newer than the last line that was read
        if epoch > following and not self._resumed:
            raise ValueError(
                f"the program reported epoch {number} after {self.epoch} epochs; report every one "
                'of them, or leave "epoch" out'
            )
        self.epoch, self._resumed = epoch, False
        return True
