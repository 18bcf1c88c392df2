"""The trials of a search as files: what was proposed, and how each has ended, epoch by epoch."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields

from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.trials.listener import History, TrialListener
from tuneyard.search.trials.record import Params, TrialRecord
from tuneyard.trainables.training.sealed import DamagedError

logger = logging.getLogger(__name__)

TRIALS = "trials"
ENDED = "ended"
FILES = "files"
READERS = 16
"""Files that are read at a time; an object store takes some 20 ms for each."""

KEPT = [
    field.name
    for field in fields(TrialRecord)
    if field.name not in ("current", "run_id", "traceback", "continues")
]
"""What is kept of a record: all but what MLflow knows, and what is of no use later."""


@dataclass(frozen=True)
class EndedTrial:
    """A trial that has ended.

    Attributes:
        record: Of the trial.
        history: Every metric of consecutive epochs, the last of which is the record's epoch.
        curve: Its best objective by epoch, as far as it was reported.
    """

    record: TrialRecord
    history: History
    curve: Mapping[int, float]


class TrialFiles(TrialListener):
    """The trials of a search in its folder, the first listener of all: what it knows is kept.

    ``trials/00012.json`` is written before a trial runs, ``ended/00012.json`` when it has ended;
    none of them is changed any more. ``files/00012/`` holds the files that the trial has logged.

    Args:
        folder: Of the search.
    """

    def __init__(self, folder: SearchFolder) -> None:
        self._folder = folder
        self._histories: dict[int, dict[str, list[float | None]]] = {}
        self._curves: dict[int, dict[int, float]] = {}

    def add(self, number: int, params: Params) -> None:
        """Records that a trial was proposed, before it runs."""
        self._folder.seal(_name(TRIALS, number), {"params": params})

    def numbers(self) -> list[int]:
        """The numbers of all trials that were proposed."""
        return self._numbers(TRIALS)

    def ended_numbers(self) -> list[int]:
        """The numbers of all trials that have ended."""
        return self._numbers(ENDED)

    def params(self, number: int) -> Params | None:
        """A proposed trial's parameters; None where they are damaged."""
        name = _name(TRIALS, number)
        try:
            found: Params = self._folder.unseal(name)["params"]
        except (DamagedError, KeyError) as error:
            logger.warning("%s/%s is damaged (%s)", self._folder, name, error)
            return None
        return found

    def ended_trials(self) -> Iterator[EndedTrial]:
        """All trials that have ended and whose files are whole, by number."""
        with ThreadPoolExecutor(READERS) as pool:
            for found in pool.map(self.ended_trial, self.ended_numbers()):
                if found is not None:
                    yield found

    def ended_trial(self, number: int) -> EndedTrial | None:
        """A trial that has ended; None where it has not, or its file is damaged."""
        name = _name(ENDED, number)
        try:
            found = self._folder.unseal(name)
            record = TrialRecord(**found["record"])
            curve = {int(epoch): value for epoch, value in found["curve"].items()}
        except FileNotFoundError:
            return None
        except (DamagedError, KeyError, TypeError) as error:
            logger.warning("%s/%s is damaged (%s)", self._folder, name, error)
            return None
        return EndedTrial(record, found["history"], curve)

    def progressed(self, record: TrialRecord, history: History) -> None:
        """Keeps the epochs until the trial ends; until then its checkpoints hold them as well."""
        self._folder.check_driver()
        known = self._histories.setdefault(record.number, {})
        before = max((len(values) for values in known.values()), default=0)
        missing = [None] * len(next(iter(history.values())))
        for name in dict.fromkeys((*known, *history)):
            values = known.setdefault(name, [None] * before)
            values.extend(history.get(name, missing))
        if record.value is not None:
            self._curves.setdefault(record.number, {})[record.epoch] = record.value

    def logged(self, record: TrialRecord, files: Mapping[str, bytes]) -> None:
        """Keeps the files that a trial has logged."""
        for name, content in files.items():
            self._folder.write(f"{files_of(record.number)}/{name}", content)

    def ended(self, record: TrialRecord) -> None:
        """Writes how the trial has ended; from then on it is never run again."""
        if record.traceback:
            self.logged(record, {"traceback.txt": record.traceback.encode()})
        number = record.number
        history, curve = self._histories.get(number, {}), self._curves.get(number, {})
        self.keep(EndedTrial(record, history, curve))
        self._histories.pop(number, None)
        self._curves.pop(number, None)

    def keep(self, trial: EndedTrial) -> None:
        """Writes a trial that has ended and whose file is missing or damaged."""
        record = asdict(trial.record)
        self._folder.seal(
            _name(ENDED, trial.record.number),
            {
                "record": {name: record[name] for name in KEPT},
                "history": trial.history,
                "curve": trial.curve,
            },
        )

    def _numbers(self, folder: str) -> list[int]:
        names = (name.partition(".") for name in self._folder.names(folder))
        return sorted(int(stem) for stem, _, kind in names if kind == "json" and stem.isdigit())


def files_of(number: int) -> str:
    """The folder of the files that a trial has logged, by its name in the search's folder."""
    return f"{FILES}/{number:05d}"


def _name(folder: str, number: int) -> str:
    return f"{folder}/{number:05d}.json"
