"""`Explored`: that all trials of a search have ended, kept for a driver that goes on from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from tuneyard.search.storage.folder import SearchFolder

EXPLORED = "explored.json"


@dataclass(frozen=True)
class Explored:
    """How the trials of a search have ended.

    Attributes:
        reason: What ended the search before its budget was used up, as `SearchStopper` says it;
            empty where nothing did.
    """

    reason: str

    def write(self, folder: SearchFolder) -> None:
        """Writes it down: from then on, no trial is proposed."""
        folder.seal(EXPLORED, {"reason": self.reason})

    @classmethod
    def read(cls, folder: SearchFolder) -> Self | None:
        """What a driver before has written; None where trials may be proposed."""
        reason = folder.known(EXPLORED).get("reason")
        return None if reason is None else cls(str(reason))
