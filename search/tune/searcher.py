"""The study as Ray Tune's searcher: it proposes; results reach the study through `tune_events`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher


class StudySearcher(Searcher):
    """Proposes each trial when there is room for it, until a grid or the time is used up.

    Args:
        propose: Gives the config of the next trial; None when there is no more.
        capacity: Gives how many trials may be under way now.
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
        # what is proposed early knows less: a trial waits for its place, not for its start
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
        """Makes room; the study is told by `TrialEvents`, which knows why a trial ended."""
        self._live.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the mirrored study is what lasts."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a search is resumed from its mirrored study."""
