"""Who may ask the service: bearer tokens, or this machine's own programs where there are none."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tuneyard.search.access import is_loopback
from tuneyard.search.service.errors import problem
from tuneyard.search.service.settings import Token

OPEN = "/health"
"""The one path that needs no token."""


class Tokens:
    """The tokens that are known, by their digests."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._known = [(token.name, _digest(token.secret.get_secret_value())) for token in tokens]

    def __len__(self) -> int:
        return len(self._known)

    def owner(self, secret: str) -> str | None:
        """Whose token it is; None where it is nobody's.

        The time that it takes tells nothing: digests of one length are compared, each to its end,
        and all of them.
        """
        given, owner = _digest(secret), None
        for name, known in self._known:
            if hmac.compare_digest(given, known):
                owner = name
        return owner


def _digest(secret: str) -> bytes:
    return sha256(secret.encode(errors="surrogateescape")).digest()


class AuthMiddleware:
    """Refuses whoever has no token; puts the name of the token's owner into ``state.user``.

    Without tokens the service is open to programs of this machine. A website is none of them: a
    browser that shows one says so by the headers Host and Origin.
    """

    def __init__(self, app: ASGIApp, tokens: Sequence[Token]) -> None:
        self._app = app
        self._tokens = Tokens(tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers 401 or 403."""
        if scope["type"] != "http" or scope["path"] == OPEN:
            await self._app(scope, receive, send)
            return
        headers, user = Headers(scope=scope), None
        if not self._tokens:
            if not _is_local(headers):
                refusal = problem(
                    HTTPStatus.FORBIDDEN,
                    "a service without tokens is for this machine's own programs; set "
                    "TUNEYARD_TOKENS to let others in",
                )
                await refusal(scope, receive, send)
                return
        else:
            scheme, _, secret = headers.get("authorization", "").partition(" ")
            given = secret.strip() if scheme.lower() == "bearer" else ""
            user = self._tokens.owner(given)
            if user is None:
                line = (
                    "the token is not known"
                    if given
                    else "a token is needed: send the header Authorization: Bearer TOKEN"
                )
                refusal = problem(HTTPStatus.UNAUTHORIZED, line, {"WWW-Authenticate": "Bearer"})
                await refusal(scope, receive, send)
                return
        scope.setdefault("state", {})["user"] = user
        await self._app(scope, receive, send)


def _is_local(headers: Headers) -> bool:
    host = headers.get("host", "")
    origin = headers.get("origin")
    try:
        named = urlsplit(f"//{host}").hostname or ""
        return is_loopback(named) and (origin is None or urlsplit(origin).netloc == host)
    except ValueError:
        # neither is an address
        return False
