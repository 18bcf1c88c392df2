"""The study as Ray Tune's searcher; results reach the study through `TrialEvents` instead."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any  # Any: a config of Ray Tune is a dictionary of anything

from ray.tune.search import Searcher


class StudySearcher(Searcher):
    """Proposes each trial when one more may run, until a grid or the time budget is used up.

    Args:
        propose: Gives the config of the next trial; None when there is no more.
        capacity: Gives how many trials may run at a time now.
        deadline: Unix time after which no trial is proposed; None without a time budget.
    """

    def __init__(
        self,
        propose: Callable[[], dict[str, Any] | None],
        capacity: Callable[[], int],
        deadline: float | None,
    ) -> None:
        super().__init__()
        self._propose = propose
        self._capacity = capacity
        self._deadline = deadline
        self._live: set[str] = set()

    # Tune's annotation leaves out the text that it asks for at the end
    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        """The config of the next trial; None asks Tune to come again."""
        if self._deadline is not None and time.time() >= self._deadline:
            return Searcher.FINISHED
        # a config that is proposed early is based on fewer results, so none is proposed in advance
        if len(self._live) >= self._capacity():
            return None
        config = self._propose()
        if config is None:
            return Searcher.FINISHED
        self._live.add(trial_id)
        return config

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Lets another trial run; `TrialEvents`, which knows why a trial ended, tells the study."""
        self._live.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Does nothing: the stored study is what remains."""

    def restore(self, checkpoint_path: str) -> None:
        """Does nothing: a search is resumed from its stored study."""
