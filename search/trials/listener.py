"""`TrialListener`: the base class of whatever follows a search's trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tuneyard.search.trials.record import TrialRecord

History = Mapping[str, Sequence[float | None]]
"""Every metric of consecutive epochs, by its name; None for an epoch without it."""


class TrialListener:
    """Hears of a search and its trials, in order, on the driver's thread: it must not block.

    A subclass overrides what it needs; the other methods do nothing.
    """

    def search_started(self) -> None:
        """The search starts, or is resumed."""

    def restored(self, record: TrialRecord) -> None:
        """A trial that ended before the search was resumed."""

    def started(self, record: TrialRecord) -> None:
        """A trial starts."""

    def progressed(self, record: TrialRecord, history: History) -> None:
        """A trial trained some epochs, the last of which is epoch `record.epoch`.

        Args:
            record: Of the trial.
            history: Every metric of each of these epochs.
        """

    def logged(self, record: TrialRecord, files: Mapping[str, bytes]) -> None:
        """A trial logged files.

        Args:
            record: Of the trial.
            files: Their contents by name.
        """

    def ended(self, record: TrialRecord) -> None:
        """A trial ended; its record will not change any more."""

    def search_ended(self) -> None:
        """Every trial has ended; nothing more will be heard."""
