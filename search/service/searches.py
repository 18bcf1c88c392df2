"""Routes of searches: submitted, listed, looked at, stopped, resumed and extended."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from tuneyard.search.frozen import Frozen
from tuneyard.search.results.result import SearchResult
from tuneyard.search.results.state import SearchState
from tuneyard.search.results.status import SearchPage, SearchStatus, TrialPage
from tuneyard.search.service.actions import Extension
from tuneyard.search.service.bodies import JsonBody, SpecValues
from tuneyard.search.service.core import Asked
from tuneyard.search.service.errors import responses
from tuneyard.search.spec.names import NAME

ONE = "/searches/{search}"
NAMED = f"^{NAME.pattern}$"
LAST = 10**9

READ = responses(
    HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE
)
CHANGE = READ | responses(HTTPStatus.CONFLICT)
SEND = responses(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)

Name = Annotated[str, Path(description="The search's name.", pattern=NAMED)]
Only = Annotated[str | None, Field(pattern=NAMED)]


class Pages(Frozen):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=1000, description="At most so many.")] = 100
    page: Annotated[
        int | None, Field(ge=1, le=LAST, description="`next` of the page before this one.")
    ] = None


class Filter(Pages):
    """Which searches."""

    task: Only = None
    state: SearchState | None = None
    user: Only = None


router = APIRouter()


@router.post("/searches", status_code=HTTPStatus.CREATED, responses=SEND)
async def submit(
    spec: JsonBody[SpecValues], service: Asked, request: Request, response: Response
) -> SearchStatus:
    """Puts a search into the queue."""
    user = request.state.user
    async with service.changing(str(spec.get("name"))):
        name = await run_in_threadpool(service.actions.submit, spec, user)
    response.headers["Location"] = f"/searches/{name}"
    return await service.status(name)


@router.get(
    "/searches",
    responses=responses(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
)
async def searches(asked: Annotated[Filter, Query()], service: Asked) -> SearchPage:
    """Searches, the newest first; a page by state may be shorter than its limit."""
    return await service.page(asked.task, asked.state, asked.user, asked.limit, asked.page or 0)


@router.get(ONE, responses=READ)
async def status(search: Name, service: Asked) -> SearchStatus:
    """How a search stands."""
    return await service.status(search)


@router.get(f"{ONE}/trials", responses=READ)
async def trials(search: Name, asked: Annotated[Pages, Query()], service: Asked) -> TrialPage:
    """A search's trials, in the order in which they started."""
    return await service.trials(search, asked.limit, asked.page or 0)


@router.get(f"{ONE}/best", responses=READ)
async def best(search: Name, service: Asked) -> SearchResult:
    """What a search has found; 404 before a trial has succeeded."""
    return await service.best(search)


@router.post(f"{ONE}/stop", status_code=HTTPStatus.ACCEPTED, responses=CHANGE)
async def stop(search: Name, service: Asked) -> SearchStatus:
    """Ends a search in order, or takes it out of the queue."""
    async with service.changing(search):
        await run_in_threadpool(service.actions.stop, search)
    return await service.status(search)


@router.post(f"{ONE}/resume", status_code=HTTPStatus.ACCEPTED, responses=CHANGE)
async def resume(search: Name, service: Asked) -> SearchStatus:
    """Continues a search that is over or interrupted and has trials and time remaining."""
    async with service.changing(search):
        await run_in_threadpool(service.actions.resume, search)
    return await service.status(search)


@router.post(f"{ONE}/extend", status_code=HTTPStatus.ACCEPTED, responses=CHANGE | SEND)
async def extend(search: Name, extension: JsonBody[Extension], service: Asked) -> SearchStatus:
    """Continues a search that is over, with more trials, more time or another target."""
    async with service.changing(search):
        await run_in_threadpool(service.actions.extend, search, extension)
    return await service.status(search)
