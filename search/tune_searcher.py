"""The study as Ray Tune's searcher: it proposes; results reach the study through `tune_events`."""

from __future__ import annotations

import time
from typing import Any

from ray.tune.search import Searcher

from tuneyard.search.study import Study


class StudySearcher(Searcher):
    """Asks the study for each trial, until its grid or the time is used up.

    Args:
        study: The study.
        deadline: Unix time after which no trial is proposed; None without a time budget.
    """

    def __init__(self, study: Study, deadline: float | None) -> None:
        super().__init__()
        self._study = study
        self._deadline = deadline

    # Tune's annotation leaves out the text that it asks for at the end
    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        """The config of the next trial."""
        if self._deadline is not None and time.time() >= self._deadline:
            return Searcher.FINISHED
        asked = self._study.ask()
        if asked is None:
            return Searcher.FINISHED
        number, params = asked
        return {"trial": {"number": number, "params": params}}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: the study is told by `TrialEvents`, which knows why a trial ended."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the mirrored study is what lasts."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a search is resumed from its mirrored study."""
