"""The stored copy of a search's study, written by a thread that tries again until it is stored."""

from __future__ import annotations

import itertools
import json
import logging
import os
import queue
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.pool import NullPool

from tuneyard.search.errors import SearchError
from tuneyard.search.retry import Backoff
from tuneyard.search.storage.folder import SearchFolder

logger = logging.getLogger(__name__)

JOURNAL = "study.journal"
STUDIES = "TUNEYARD_STUDIES"
FIRST_WAIT_SECONDS = 0.5
MAX_WAIT_SECONDS = 10.0

Direction = Literal["minimize", "maximize"]


def studies_address(studies: str | None) -> str | None:
    """The Optuna storage of all searches: the one given, or ``TUNEYARD_STUDIES``."""
    return studies or os.environ.get(STUDIES) or None


class Mirror:
    """A stored study that any Optuna tool reads; each trial is added once, when it has ended.

    Args:
        folder: Of the search; holds the journal where there is no other storage.
        name: Of the study: that of the search.
        direction: Of the study.
        studies: Optuna storage of all searches; see `studies_address`.
        ended: The trials that have ended before, by number; what is not stored of them is added.

    Attributes:
        others: Trials that are stored and are not among `ended`, by number.

    Raises:
        SearchError: The storage does not answer.
    """

    def __init__(
        self,
        folder: SearchFolder,
        name: str,
        direction: Direction,
        studies: str | None,
        ended: Mapping[int, FrozenTrial],
    ) -> None:
        if studies_address(studies) is None:
            self._study, stored = _journaled(folder, name, direction, ended)
        else:
            self._study, stored = _stored_study(_open(studies), name, direction)
        self.others = {number: stored[number] for number in stored.keys() - ended.keys()}
        self._queue: queue.SimpleQueue[FrozenTrial | None] = queue.SimpleQueue()
        self._backoff = Backoff(FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS)
        self._lacking = 0
        self._thread = threading.Thread(target=self._work, name="study-mirror", daemon=True)
        self._thread.start()
        for number in sorted(ended.keys() - stored.keys()):
            self.add(ended[number])

    @property
    def trials(self) -> list[FrozenTrial]:
        """What is stored."""
        return self._study.get_trials(deepcopy=False)

    def add(self, trial: FrozenTrial) -> None:
        """Stores a trial soon."""
        self._queue.put(trial)

    def close(self, give_up_after: float) -> int:
        """Stores all that was added, and stops.

        Args:
            give_up_after: Seconds for which a storage that is away is waited for.

        Returns:
            How many trials are not stored.
        """
        self._backoff.give_up_after(give_up_after)
        self._queue.put(None)
        self._thread.join()
        return self._lacking

    def _work(self) -> None:
        gave_up = False
        while (trial := self._queue.get()) is not None:
            gave_up = gave_up or not self._stored(trial)
            self._lacking += gave_up

    def _stored(self, trial: FrozenTrial) -> bool:
        """Whether a trial came in before there was no time left."""
        self._backoff.reset()
        for attempt in itertools.count():
            try:
                # the trial may be stored already, where only the answer was lost
                if attempt == 0 or not self._holds(trial):
                    self._study.add_trial(trial)
            except Exception as error:
                if attempt == 0:
                    logger.warning("%s; trying again", _away(error.__cause__ or error))
                if self._backoff.gave_up:
                    return False
                time.sleep(self._backoff.wait())
            else:
                break
        return True

    def _holds(self, trial: FrozenTrial) -> bool:
        number = trial.user_attrs["number"]
        return any(stored.user_attrs["number"] == number for stored in self.trials)


def check_studies(folder: SearchFolder, name: str, studies: str | None, *, resumed: bool) -> None:
    """Sees that the studies' storage is there, before a search changes anything.

    Raises:
        SearchError: It does not answer, there must be one and none is named, or a new search's
            study is there already.
    """
    if studies_address(studies) is None:
        if not folder.is_local:
            raise SearchError(
                f"a search in the object store {folder} needs an Optuna storage for its study; "
                f"name one in {STUDIES}, e.g. postgresql://user:password@host/optuna"
            )
        return
    storage = _open(studies)
    try:
        storage.get_study_id_from_name(name)
    except KeyError:
        return
    except Exception as error:
        raise _away(error) from None
    if not resumed:
        raise SearchError(
            f"there is a study {name!r} in the Optuna storage already; give another --name"
        )


def _open(studies: str | None) -> BaseStorage:
    address = studies_address(studies)
    assert address is not None, "a journal needs no storage"
    try:
        # one connection per write: trials end seconds apart, and a kept one may be closed by then
        return RDBStorage(address, engine_kwargs={"poolclass": NullPool})
    except Exception as error:
        raise _away(error) from None


def _stored_study(
    storage: BaseStorage, name: str, direction: Direction
) -> tuple[optuna.Study, dict[int, FrozenTrial]]:
    """The stored study, which is made where it is missing, and its trials by our numbers."""
    try:
        study = optuna.create_study(
            study_name=name, direction=direction, storage=storage, load_if_exists=True
        )
        trials = study.get_trials(deepcopy=False)
        return study, {trial.user_attrs["number"]: trial for trial in trials}
    except Exception as error:  # those of the database's driver come as they are
        raise _away(error) from None


def _journaled(
    folder: SearchFolder, name: str, direction: Direction, ended: Mapping[int, FrozenTrial]
) -> tuple[optuna.Study, dict[int, FrozenTrial]]:
    """The study in the search's folder; one that is damaged is set aside and written again."""
    journal = Path(folder.path, JOURNAL)
    _mend(journal)
    if journal.exists() and not _is_sound(journal, name, ended):
        logger.warning(
            "%s is damaged; it is kept as %s.damaged and written again", journal, JOURNAL
        )
        journal.replace(journal.with_name(f"{JOURNAL}.damaged"))
    return _stored_study(JournalStorage(JournalFileBackend(str(journal))), name, direction)


def _mend(journal: Path) -> None:
    """Cuts off a line that a crash cut short: the next one would be joined to it, and lost."""
    if journal.exists():
        os.truncate(journal, journal.read_bytes().rfind(b"\n") + 1)


def _is_sound(journal: Path, name: str, ended: Mapping[int, FrozenTrial]) -> bool:
    """Whether a journal can be read, and says of the trials what their own files say."""
    if journal.stat().st_size == 0:
        return True
    try:
        storage = JournalStorage(JournalFileBackend(str(journal)))
        trials = optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
        stored = {trial.user_attrs["number"]: trial for trial in trials}
    except Exception:  # Optuna raises errors of all kinds over lines that make no sense
        return False
    return len(stored) == len(trials) and all(
        _said(stored[number]) == _said(ended[number]) for number in stored.keys() & ended.keys()
    )


def _said(trial: FrozenTrial) -> str:
    """What a trial says, in which a number that is none equals itself."""
    value = trial.value if trial.state is TrialState.COMPLETE else None
    return json.dumps([value, trial.params, trial.user_attrs], sort_keys=True)


def _away(error: BaseException) -> SearchError:
    # the address holds a password, and so may the driver's message
    return SearchError(
        f"the Optuna storage does not answer ({type(error).__name__}); start it, or mend {STUDIES}"
    )
