"""`Cluster`: a client of a cluster's HTTP service, with one method per request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import httpx

from tuneyard.search.client.http import READ_SECONDS, AwayError, Connection
from tuneyard.search.errors import SearchError
from tuneyard.search.results.result import SearchResult
from tuneyard.search.results.status import SearchPage, SearchStatus, TrialStatus
from tuneyard.search.spec.budget import Budget
from tuneyard.search.spec.names import NAME
from tuneyard.search.spec.search import SearchSpec

AWAY_SECONDS = 120.0
"""How long `follow` waits for a service that does not answer: longer than a restart takes."""

RETRY_SECONDS = 1.0
PAGE = 100

Event = SearchStatus | TrialStatus
EVENTS: dict[str, type[Event]] = {"status": SearchStatus, "trial": TrialStatus, "end": SearchStatus}


class Cluster:
    """The service at one address.

    Each method raises a SearchError, one line, where the service refuses or does not answer.

    Args:
        address: Of the service, e.g. ``http://127.0.0.1:8080``.
        token: The bearer token; None for a service that wants none.

    Raises:
        SearchError: The address or the token can't be one.
    """

    def __init__(self, address: str, token: str | None = None) -> None:
        self._service = Connection(address, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._service.close()

    def submit(self, spec: SearchSpec) -> SearchStatus:
        """Puts a search into the queue."""
        return self._service.post("/searches", SearchStatus, spec)

    def jobs(
        self, *, task: str | None = None, state: str | None = None, limit: int = PAGE
    ) -> SearchPage:
        """The newest searches.

        Args:
            task: Only those of this task.
            state: Only those in this state.
            limit: At most so many.
        """
        found: list[SearchStatus] = []
        page: str | None = None
        while True:
            size = min(limit - len(found), PAGE)
            params = {"task": task, "state": state, "limit": size, "page": page}
            answer = self._service.get("/searches", SearchPage, params)
            found += answer.searches
            page = answer.next
            if page is None or len(found) >= limit:
                return SearchPage(searches=found, next=page)

    def best(self, search: str) -> SearchResult:
        """What a search found until now.

        Args:
            search: Its name.

        Raises:
            MissingError: No trial has succeeded, or there is no such search.
        """
        return self._service.get(f"{_path(search)}/best", SearchResult)

    def stop(self, search: str) -> SearchStatus:
        """Ends a search in order, or takes it out of the queue."""
        return self._service.post(f"{_path(search)}/stop", SearchStatus)

    def resume(self, search: str) -> SearchStatus:
        """Continues a search that was stopped or interrupted."""
        return self._service.post(f"{_path(search)}/resume", SearchStatus)

    def extend(self, search: str, budget: Budget) -> SearchStatus:
        """Continues a search that is over, with a larger budget, of which something is given."""
        return self._service.post(f"{_path(search)}/extend", SearchStatus, budget)

    def logs(self, search: str, *, follow: bool = False) -> Iterator[str]:
        """The log of a search's driver, piece by piece.

        Args:
            search: Its name.
            follow: Go on until the search ends.
        """
        # a driver has nothing to say as long as its search is in the queue
        silence = None if follow else READ_SECONDS
        params = {"follow": "true" if follow else "false"}
        with self._service.stream(f"{_path(search)}/logs", params, silence) as response:
            yield from response.iter_text()

    def follow(self, search: str) -> Iterator[Event]:
        """What happens to a search until it is over; its last status comes last.

        Waits for a service that stops answering, and reports no trial twice.

        Args:
            search: Its name.
        """
        reported: set[int] = set()
        away_since: float | None = None
        while True:
            try:
                for kind, event in self._events(search):
                    away_since = None
                    if isinstance(event, TrialStatus):
                        if event.number in reported:
                            continue
                        reported.add(event.number)
                    yield event
                    if kind == "end":
                        return
            except AwayError:
                now = time.monotonic()
                away_since = away_since or now
                if now - away_since > AWAY_SECONDS:
                    raise
                time.sleep(RETRY_SECONDS)

    def _events(self, search: str) -> Iterator[tuple[str, Event]]:
        """One stream of server-sent events, each with its kind; its last should be an `end`."""
        kind, data = "", b""
        with self._service.stream(f"{_path(search)}/events") as response:
            for line in _lines(response):
                name, _, value = line.partition(b":")
                if name == b"event":
                    kind = value.strip().decode(errors="replace")
                elif name == b"data":
                    data += value.strip()
                elif not line:
                    if kind in EVENTS:
                        yield kind, self._service.read(EVENTS[kind], data)
                    kind, data = "", b""
        raise AwayError(f"{self._service.address} ended its stream of events early")


def _path(search: str) -> str:
    if not NAME.fullmatch(search):
        raise SearchError(f"{search!r} is no name of a search; see: tuneyard jobs")
    return f"/searches/{search}"


def _lines(response: httpx.Response) -> Iterator[bytes]:
    """Lines as they come; `iter_lines` would break them within a text at Unicode's separators."""
    rest = b""
    for piece in response.iter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r")
