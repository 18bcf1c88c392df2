"""A search as server-sent events: its status when it changes, its trials as they end, its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi.sse import ServerSentEvent

from tuneyard.search.results.state import OVER
from tuneyard.search.results.status import SearchStatus
from tuneyard.search.service.core import Service
from tuneyard.search.tracking.queries import MlflowAwayError, UnknownSearchError

TICK_SECONDS = 1.0
LATE_MS = 60_000
"""How late a trial's end may reach MLflow: the driver writes it when MLflow answers."""


class SearchEvents:
    """One client's stream of events.

    Args:
        service: Is asked.
        search: The search's name.
        since: Trials that ended later than this are sent, in Unix milliseconds.
    """

    def __init__(self, service: Service, search: str, since: int) -> None:
        self._service = service
        self._search = search
        self._since = since
        self._newest = since
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
        """Trials that ended and were not sent yet; an event's id is the end of its trial."""
        since = self._since if everything else max(self._since, self._newest - LATE_MS)
        for ended, trial in await self._service.ended_trials(self._search, since):
            if self._sent.get(trial.number) != ended:
                self._sent[trial.number] = ended
                self._newest = max(self._newest, ended)
                yield ServerSentEvent(event="trial", data=trial, id=str(ended))
