"""The record of the trials that were proposed: one file per trial, never changed."""

from __future__ import annotations

import json

from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.trials.record import Params

TRIALS = "trials"


class Proposals:
    """The trials that a search has proposed, in its folder as ``trials/00012.json``.

    Args:
        folder: Of the search.
    """

    def __init__(self, folder: SearchFolder) -> None:
        self._folder = folder

    def add(self, number: int, params: Params) -> None:
        """Records that a trial was proposed, before it runs."""
        self._folder.put(_name(number), json.dumps({"params": params}))

    def numbers(self) -> list[int]:
        """The numbers of all trials that were proposed."""
        return sorted(int(name.partition(".")[0]) for name in self._folder.names(TRIALS))

    def params(self, number: int) -> Params | None:
        """A proposed trial's parameters; None where a crash cut its record short."""
        try:
            found: Params = json.loads(self._folder.read(_name(number)))["params"]
        except ValueError:
            return None
        return found


def _name(number: int) -> str:
    return f"{TRIALS}/{number:05d}.json"
