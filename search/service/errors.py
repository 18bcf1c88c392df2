"""Errors as `application/problem+json`: every one a line, the same that the command line prints."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any  # Any: FastAPI describes responses by dictionaries of anything

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from tuneyard.datasets import DataError
from tuneyard.search.errors import SearchError, short_line
from tuneyard.search.jobs.queue import RayAwayError
from tuneyard.search.tracking.queries import MlflowAwayError, UnknownSearchError
from tuneyard.spaces import SpaceError
from tuneyard.spaces.language.errors import MAX_PROBLEMS, shown

MEDIA_TYPE = "application/problem+json"
AGAIN_SECONDS = 5

logger = logging.getLogger(__name__)


class MissingError(SearchError):
    """What was asked for is not there."""


class ConflictError(SearchError):
    """The search is not in a state for that."""


STATUS: dict[type[Exception], HTTPStatus] = {
    UnknownSearchError: HTTPStatus.NOT_FOUND,
    MissingError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    MlflowAwayError: HTTPStatus.SERVICE_UNAVAILABLE,
    RayAwayError: HTTPStatus.SERVICE_UNAVAILABLE,
    SearchError: HTTPStatus.UNPROCESSABLE_ENTITY,
    SpaceError: HTTPStatus.UNPROCESSABLE_ENTITY,
    DataError: HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""What each error is in HTTP."""

REASONS = {
    HTTPStatus.BAD_REQUEST: "The request can't be read.",
    HTTPStatus.UNAUTHORIZED: "There is no token, or it is not known.",
    HTTPStatus.FORBIDDEN: "The request is another website's.",
    HTTPStatus.NOT_FOUND: "There is nothing of that name.",
    HTTPStatus.CONFLICT: "The search is not in a state for that.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too long.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The input is wrong.",
    HTTPStatus.TOO_MANY_REQUESTS: "The token asks too often.",
    HTTPStatus.SERVICE_UNAVAILABLE: "MLflow or Ray is away.",
}


class Problem(BaseModel):
    """An error (RFC 9457).

    Attributes:
        type: Always ``about:blank``: the status says what kind it is.
        title: The status in words.
        status: The status.
        detail: One line: what, where, the rule, the value, the remedy.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str


def problem(
    status: HTTPStatus | int, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that an error is; its detail becomes one short line."""
    status = HTTPStatus(status)
    body = Problem(title=status.phrase, status=status, detail=short_line(detail))
    return JSONResponse(body.model_dump(), status, headers, media_type=MEDIA_TYPE)


def responses(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """These errors, and those that every route has, for the OpenAPI document."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    every = (
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.TOO_MANY_REQUESTS,
    )
    return {
        int(status): {"description": REASONS[status], "content": content}
        for status in sorted({*every, *statuses})
    }


def handle_errors(app: FastAPI) -> None:
    """Makes every error of an app a problem."""
    for kind, status in STATUS.items():
        app.add_exception_handler(kind, _answer(status))
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def _answer(status: HTTPStatus) -> Callable[[Request, Exception], Awaitable[Response]]:
    later = {"Retry-After": str(AGAIN_SECONDS)}

    async def answer(_request: Request, error: Exception) -> Response:
        headers = later if status is HTTPStatus.SERVICE_UNAVAILABLE else None
        return problem(status, str(error), headers)

    return answer


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    lines = "; ".join(_line(one) for one in error.errors()[:MAX_PROBLEMS])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, lines)


def _line(error: Mapping[str, Any]) -> str:
    """What is wrong, like `spaces.errors.one_line`, with the place in the request for the path."""
    if error["type"] == "json_invalid":
        return f"the body must be JSON: {error['ctx']['error']} at character {error['loc'][-1]}"
    part, *path = error["loc"]
    where = ".".join(str(name) for name in path) or f"the {part}"
    rule = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return f"{where} {rule[:1].lower()}{rule[1:]}, got {shown(error['input'])}"


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers, detail = dict(error.headers or {}), error.detail
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"there is no {request.url.path!r} here; what there is: /openapi.json"
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # a path with two methods is two routes, of which Starlette names one
        route = getattr(request.scope.get("route"), "path", None)
        described = request.app.openapi()["paths"].get(route)
        if described:
            headers["Allow"] = ", ".join(sorted(method.upper() for method in described))
        detail = f"{request.url.path!r} takes {headers.get('Allow')}, got {request.method}"
    return problem(error.status_code, detail, headers)


async def _unexpected(_request: Request, _error: Exception) -> Response:
    # the server logs it, with its traceback, and closes the connection
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the service failed; see its log",
        {"Connection": "close"},
    )
