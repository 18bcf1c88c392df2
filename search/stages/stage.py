"""`Stage`: one step of a search, and what the stages find on the way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from tuneyard.search.results.result import SearchResult
from tuneyard.search.stages.context import SearchContext
from tuneyard.search.stages.tested import TestedModel
from tuneyard.search.trials.record import TrialRecord


@dataclass
class Findings:
    """What a search has found so far; each stage reads the fields of those before it.

    Attributes:
        trials: Every trial, by number, once they are explored.
        interrupted: Whether a person stopped the search.
        best: The best trial; None where no trial succeeded.
        tested: The best trial's model with its test metrics, once it is evaluated.
        result: The whole result, once it is published.
    """

    trials: list[TrialRecord] = field(default_factory=list)
    interrupted: bool = False
    best: TrialRecord | None = None
    tested: TestedModel | None = None
    result: SearchResult | None = None


class Stage(ABC):
    """One step of a search; `tuneyard.search.stages.driver` holds their order.

    Attributes:
        doing: What it does, in a few words for the display.
    """

    doing: str

    @abstractmethod
    def run(self, context: SearchContext, findings: Findings) -> None:
        """Does the step, and adds what it found to `findings`.

        Args:
            context: What the search runs on.
            findings: Of the stages before.
        """
