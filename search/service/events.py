"""A search as server-sent events: its status when it changes, its trials as they end, its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from fastapi.sse import ServerSentEvent

from tuneyard.search.results.state import OVER
from tuneyard.search.results.status import SearchStatus, TrialStatus
from tuneyard.search.service.core import Service
from tuneyard.search.tracking.queries import MlflowAwayError, UnknownSearchError

TICK_SECONDS = 1.0
LATE_MS = 60_000
"""How late a trial's end is looked for at once; one that comes later is sent at the end."""

EVENT_ID = "^[0-9]{1,16}(-[0-9]{1,9})?$"


class SearchEvents:
    """One client's stream of events.

    Args:
        service: Is asked.
        search: The search's name.
        last: The id of the last event that the client has had; None for all of them.
    """

    def __init__(self, service: Service, search: str, last: str | None) -> None:
        self._service = service
        self._search = search
        self._last = last
        self._newest = 0
        self._sent: dict[int, int] = {}
        self._status: SearchStatus | None = None
        self._changed = False

    async def stream(self) -> AsyncIterator[ServerSentEvent]:
        """Events ``status``, ``trial`` and ``end``; waits where MLflow does not answer."""
        while True:
            with suppress(MlflowAwayError):
                try:
                    status = await self._service.status(self._search)
                except UnknownSearchError:
                    # deleted meanwhile
                    return
                over = status.state in OVER
                changed_before, self._changed = self._changed, status != self._status
                # a trial may be closed a little later than its search counts it
                if self._changed or changed_before or over:
                    async for event in self._trials(everything=over):
                        yield event
                if self._changed:
                    yield ServerSentEvent(event="status", data=status)
                    self._status = status
                if over:
                    yield ServerSentEvent(event="end", data=status)
                    return
            await asyncio.sleep(TICK_SECONDS)

    async def _trials(self, *, everything: bool) -> AsyncIterator[ServerSentEvent]:
        """Trials that ended and were not sent yet.

        The id of an event is the latest end that was sent, in Unix milliseconds, and how many
        trials were sent: as many as had ended by then, unless one of them reached MLflow late.
        """
        since = 0 if everything else max(0, self._newest - LATE_MS)
        found = await self._service.ended_trials(self._search, since)
        if self._last is not None:
            self._sent = _had(self._last, found)
            self._newest = max(self._sent.values(), default=0)
            self._last = None
        for ended, trial in found:
            if self._sent.get(trial.number) != ended:
                self._sent[trial.number] = ended
                self._newest = max(self._newest, ended)
                name = f"{self._newest}-{len(self._sent)}"
                yield ServerSentEvent(event="trial", data=trial, id=name)


def _had(last: str, found: Sequence[tuple[int, TrialStatus]]) -> dict[int, int]:
    """The ends that a client has had, by trial; none where that is not sure.

    Rather than lose a trial, which may have come late or ended in the same millisecond as another,
    all are sent again.
    """
    newest, _, count = last.partition("-")
    before = {trial.number: ended for ended, trial in found if ended <= int(newest)}
    return before if str(len(before)) == count else {}
