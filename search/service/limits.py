"""The service's limits: bytes per request, requests per second, trials and seconds per search."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import PurePath

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tuneyard.search.errors import SearchError
from tuneyard.search.service.auth import OPEN
from tuneyard.search.service.errors import problem
from tuneyard.search.service.settings import ServiceSettings

EVERYBODY = "everybody"


class RateMiddleware:
    """Limits how many requests per second each token may send."""

    def __init__(self, app: ASGIApp, per_second: int) -> None:
        self._app = app
        self._rate = RateLimitItemPerSecond(per_second)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers 429."""
        if scope["type"] == "http" and scope["path"] != OPEN:
            user = scope["state"]["user"] or EVERYBODY
            if not self._limiter.hit(self._rate, user):
                refusal = problem(
                    HTTPStatus.TOO_MANY_REQUESTS,
                    f"a token may ask {self._rate.amount} times a second; wait, and ask less often",
                    {"Retry-After": "1"},
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


class SizeMiddleware:
    """Reads a request's body first, and no more of it than is allowed."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await self._read(scope, receive)
        if body is None:
            refusal = problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the body must be at most {self._max_bytes} bytes; send less at a time",
                {"Connection": "close"},
            )
            await refusal(scope, receive, send)
            return
        first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return first.pop() if first else await receive()

        await self._app(scope, replay, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body, which may come without a length; None where it is too long."""
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdigit() and int(length) > self._max_bytes:
            return None
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                return None
            # a client that disconnected sends no more either
            if not message.get("more_body", False):
                return bytes(body)


def check_data(data: str | None) -> None:
    """Checks that a folder of data, where a task takes one, lies in the service's own data folder.

    Args:
        data: Of a spec.

    Raises:
        SearchError: It leads elsewhere.
    """
    if data is not None:
        path = PurePath(data)
        if path.is_absolute() or ".." in path.parts or data.startswith("~"):
            raise SearchError(f"data must be a name, or a folder in the data folder, got {data!r}")


def check_budget(settings: ServiceSettings, trials: int, seconds: float | None) -> None:
    """Checks that a search is not too long for this service.

    Args:
        settings: With the limits.
        trials: That the search may have.
        seconds: That it may take; None where it has no such budget.

    Raises:
        SearchError: It is too long.
    """
    if trials > settings.max_trials:
        raise SearchError(f"trials must be at most {settings.max_trials} here, got {trials}")
    longest = settings.max_seconds
    if longest is not None and (seconds is None or seconds > longest):
        raise SearchError(f"time must be given, at most {longest:g} s here, got {seconds}")
