"""`Connection`: requests to a cluster's service; whatever goes wrong with one costs one line."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from tuneyard.search.access import TOKEN, is_loopback
from tuneyard.search.errors import SearchError

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
"""Longer than the service lets a stream of events be silent."""

LATER = (429, 502, 503, 504)
"""Answers that may be others soon."""

OTHER_ADDRESS = "name another address with --cluster or TUNEYARD_CLUSTER"

Params = Mapping[str, str | int | None]
ModelT = TypeVar("ModelT", bound=BaseModel)


class AwayError(SearchError):
    """The service does not answer now; it may later."""


class MissingError(SearchError):
    """The service has nothing of that name."""


class Connection:
    """The service at one address.

    The token goes to that address alone: redirects are not followed, and this machine is reached
    without a proxy. Each method raises a SearchError where the service refuses or does not answer,
    or where something else answers.

    Args:
        address: Of the service, e.g. ``http://127.0.0.1:8080``.
        token: The bearer token; None for a service that wants none.

    Raises:
        SearchError: The address or the token can't be one.
    """

    def __init__(self, address: str, token: str | None) -> None:
        url = _checked(address.strip())
        self.address = str(url).rstrip("/")
        if token is not None and not TOKEN.fullmatch(token):
            raise SearchError(
                "the token must be one word of plain ASCII; look at what TUNEYARD_TOKEN or "
                "--token-file holds"
            )
        here = is_loopback(url.host)
        if token is not None and url.scheme == "http" and not here:
            logger.warning(
                "the token goes to %s unencrypted; use https beyond this machine", self.address
            )
        self._has_token = token is not None
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"} if token is not None else None,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            mounts={f"all://{url.netloc.decode()}": None} if here else None,
        )

    def close(self) -> None:
        """Closes what is open."""
        self._http.close()

    def get(self, path: str, model: type[ModelT], params: Params | None = None) -> ModelT:
        """The answer as a `model`; parameters that are None are left out."""
        with self.stream(path, params) as response:
            return self.read(model, response.read())

    def post(self, path: str, model: type[ModelT], body: BaseModel | None = None) -> ModelT:
        """The answer as a `model`; it is asked for once, whatever happens."""
        content = body.model_dump_json() if body else None
        headers = {"Content-Type": "application/json"} if body else None
        try:
            response = self._http.post(path, content=content, headers=headers)
        except httpx.ConnectError as error:
            raise self._away(error) from None
        except httpx.HTTPError as error:
            raise AwayError(
                f"{self.address} gave no whole answer: {_reason(error)}; whether it did what was "
                "asked for is seen in: tuneyard jobs"
            ) from None
        self._check(response)
        return self.read(model, response.content)

    @contextmanager
    def stream(
        self, path: str, params: Params | None = None, silence: float | None = READ_SECONDS
    ) -> Iterator[httpx.Response]:
        """An answer whose body is still to be read, piece by piece.

        Args:
            path: Below the address.
            params: Of the query; those that are None are left out.
            silence: Most seconds between two pieces; None means no limit.
        """
        asked = {name: value for name, value in (params or {}).items() if value is not None}
        timeout = httpx.Timeout(silence, connect=CONNECT_SECONDS)
        try:
            with self._http.stream("GET", path, params=asked, timeout=timeout) as response:
                if not response.is_success:
                    response.read()
                self._check(response)
                yield response
        except httpx.HTTPError as error:
            raise self._away(error) from None

    def read(self, model: type[ModelT], content: bytes) -> ModelT:
        """What the service sent, as a `model`."""
        try:
            return model.model_validate_json(content)
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in problem["loc"]) or model.__name__
            raise SearchError(
                f"{self.address} answers what this tuneyard can't read: {where}: {problem['msg']}; "
                f"install the version that runs there, or {OTHER_ADDRESS}"
            ) from None

    def _check(self, response: httpx.Response) -> None:
        """Raises what a refusal means."""
        if response.is_success:
            return
        code = response.status_code
        if code == httpx.codes.UNAUTHORIZED:
            raise SearchError(self._refused())
        if response.has_redirect_location:
            raise SearchError(
                f"{self.address} redirects to {response.headers['Location']!r}, where the token is "
                "not sent; if that is your cluster, name it with --cluster or TUNEYARD_CLUSTER"
            )
        line = _problem(response)
        if line and code == httpx.codes.NOT_FOUND:
            raise MissingError(line)
        line = line or (
            f"{self.address} answers {code} {response.reason_phrase}, and not as tuneyard's "
            f"service does; see what runs there, or {OTHER_ADDRESS}"
        )
        raise AwayError(line) if code in LATER else SearchError(line)

    def _refused(self) -> str:
        if self._has_token:
            return (
                f"{self.address} does not know the token; set TUNEYARD_TOKEN or --token-file to "
                "one that it does"
            )
        return (
            f"{self.address} wants a token; set TUNEYARD_TOKEN, or name a file that holds it with "
            "--token-file"
        )

    def _away(self, error: httpx.HTTPError) -> AwayError:
        return AwayError(
            f"tuneyard's service does not answer at {self.address}: {_reason(error)}; start it "
            f"there, or {OTHER_ADDRESS}"
        )


def _checked(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL("")
    if url.userinfo:
        raise SearchError(
            "the cluster's address must hold no user and no password; the token goes into "
            "TUNEYARD_TOKEN"
        )
    host = re.fullmatch(rb"[A-Za-z0-9._:-]+", url.raw_host)
    plain = host and (url.port or 0) < 2**16 and not url.query and not url.fragment
    if url.scheme not in ("http", "https") or not plain:
        raise SearchError(
            f"the cluster's address must read like http://127.0.0.1:8080, got {address!r}"
        )
    return url


def _problem(response: httpx.Response) -> str | None:
    """The one line of an error in the service's own form; None for any other answer."""
    if "problem+json" not in response.headers.get("Content-Type", ""):
        return None
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return None
    return " ".join(str(detail).split()) or None


def _reason(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it took too long"
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
