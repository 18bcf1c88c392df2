"""Routes of searches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from tuneyard.search.ray_jobs import RayAwayError
from tuneyard.search.results import SearchResult
from tuneyard.search.service_actions import Actions, Extension
from tuneyard.search.service_bodies import JsonBody, SpecValues
from tuneyard.search.service_core import Service
from tuneyard.search.service_errors import MissingError, responses
from tuneyard.search.service_events import SearchEvents
from tuneyard.search.spec import NAME
from tuneyard.search.status import SearchPage, SearchState, SearchStatus, TrialPage

ONE = "/searches/{search}"
NAMED = f"^{NAME.pattern}$"
LAST = 10**9

Name = Annotated[str, Path(description="The search's name.", pattern=NAMED)]
Optional = Annotated[str | None, Field(pattern=NAMED)]


class _Query(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pages(_Query):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=1000, description="At most so many.")] = 100
    page: Annotated[
        int | None, Field(ge=1, le=LAST, description="`next` of the page before this one.")
    ] = None


class Filter(Pages):
    """Which searches."""

    task: Optional = None
    state: SearchState | None = None
    user: Optional = None


class Follow(_Query):
    """How a log is read."""

    follow: Annotated[bool, Field(description="Go on until the job ends.")] = False


def search_routes(service: Service) -> APIRouter:
    """All routes under ``/searches``."""
    router = APIRouter()
    add_list(router, service)
    add_reads(router, service)
    add_streams(router, service)
    add_actions(router, service)
    return router


def add_list(router: APIRouter, service: Service) -> None:
    """Searches submitted and listed."""
    actions = Actions(service.settings, service.searches, service.queue)

    @router.post(
        "/searches",
        status_code=HTTPStatus.CREATED,
        response_model=SearchStatus,
        responses=responses(
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.CONFLICT,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.SERVICE_UNAVAILABLE,
        ),
    )
    async def submit(
        spec: JsonBody[SpecValues], request: Request, response: Response
    ) -> SearchStatus:
        """Puts a search into the queue."""
        user = request.state.user
        async with service.lock(str(spec.get("name"))):
            name = await run_in_threadpool(actions.submit, spec, user)
        service.forget()
        response.headers["Location"] = f"/searches/{name}"
        return await service.status(name)

    @router.get(
        "/searches",
        response_model=SearchPage,
        responses=responses(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
    )
    async def searches(asked: Annotated[Filter, Query()]) -> SearchPage:
        """Searches, the newest first; a page by state may be shorter than its limit."""
        return await service.page(
            task=asked.task,
            state=asked.state,
            user=asked.user,
            limit=asked.limit,
            start=asked.page or 0,
        )


READ = responses(
    HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE
)


def add_reads(router: APIRouter, service: Service) -> None:
    """One search: how it stands, its trials, its result."""

    @router.get(ONE, response_model=SearchStatus, responses=READ)
    async def status(search: Name) -> SearchStatus:
        """How a search stands."""
        return await service.status(search)

    @router.get(f"{ONE}/trials", response_model=TrialPage, responses=READ)
    async def trials(search: Name, asked: Annotated[Pages, Query()]) -> TrialPage:
        """A search's trials, in the order in which they started."""
        return await service.trials(search, asked.limit, asked.page or 0)

    @router.get(f"{ONE}/best", response_model=SearchResult, responses=READ)
    async def best(search: Name) -> SearchResult:
        """What a search has found; 404 before a trial has succeeded."""
        return await service.best(search)


def add_streams(router: APIRouter, service: Service) -> None:
    """One search as it goes on: events, log."""

    async def known(search: Name) -> str:
        await service.run(search)
        return search

    @router.get(f"{ONE}/events", response_class=EventSourceResponse, responses=READ)
    async def events(
        search: Annotated[str, Depends(known)],
        last_event_id: Annotated[int, Header(ge=0, lt=2**63)] = 0,
    ) -> AsyncIterator[ServerSentEvent]:
        """Server-sent events: `status`, `trial` for each that has ended, and `end`."""
        async for event in SearchEvents(service, search, last_event_id).stream():
            yield event

    @router.get(f"{ONE}/logs", response_class=PlainTextResponse, responses=READ)
    async def logs(search: Name, asked: Annotated[Follow, Query()]) -> Response:
        """What the driver of a search has printed in its latest job."""
        await service.run(search)
        job = await run_in_threadpool(service.queue.latest, search)
        if job is None:
            raise MissingError(
                f"Ray has no log of search {search!r}: it did not run there, or before Ray was "
                "started again"
            )
        if not asked.follow:
            return PlainTextResponse(await run_in_threadpool(service.queue.logs, job))

        async def text() -> AsyncIterator[str]:
            try:
                async for piece in service.queue.follow(job):
                    yield piece
            except RayAwayError as error:
                # the answer has begun
                yield f"\ntuneyard: {error}\n"

        return StreamingResponse(text(), media_type="text/plain")


def add_actions(router: APIRouter, service: Service) -> None:
    """One search stopped, resumed, extended."""
    actions = Actions(service.settings, service.searches, service.queue)
    changed = {"status_code": HTTPStatus.ACCEPTED, "response_model": SearchStatus}
    errors = (
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    )

    async def act(search: str, what: Literal["stop", "resume"] | Extension) -> SearchStatus:
        async with service.lock(search):
            if isinstance(what, Extension):
                await run_in_threadpool(actions.extend, search, what)
            elif what == "stop":
                await run_in_threadpool(actions.stop, search)
            else:
                await run_in_threadpool(actions.resume, search)
        service.forget()
        return await service.status(search)

    @router.post(f"{ONE}/stop", **changed, responses=responses(*errors))
    async def stop(search: Name) -> SearchStatus:
        """Ends a search in order, or takes it out of the queue."""
        return await act(search, "stop")

    @router.post(f"{ONE}/resume", **changed, responses=responses(*errors))
    async def resume(search: Name) -> SearchStatus:
        """Goes on with a search that is over or interrupted, and has trials left."""
        return await act(search, "resume")

    @router.post(f"{ONE}/extend", **changed, responses=responses(HTTPStatus.BAD_REQUEST, *errors))
    async def extend(search: Name, extension: JsonBody[Extension]) -> SearchStatus:
        """Goes on with a search that is over, with more trials."""
        return await act(search, extension)
