"""Routes that follow a search: its events, the log of its driver."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from tuneyard.search.frozen import Frozen
from tuneyard.search.jobs.queue import Job, RayAwayError
from tuneyard.search.service.core import Asked, Service
from tuneyard.search.service.errors import MissingError
from tuneyard.search.service.events import EVENT_ID, SearchEvents
from tuneyard.search.service.searches import ONE, READ, Name


class Follow(Frozen):
    """How a log is read."""

    follow: Annotated[bool, Field(description="Go on until the job ends.")] = False


router = APIRouter()


async def known(search: Name, service: Asked) -> str:
    """A search's name; looked up before the answer begins.

    Raises:
        UnknownSearchError: There is no such search.
    """
    await service.run(search)
    return search


Known = Annotated[str, Depends(known)]


@router.get(f"{ONE}/events", response_class=EventSourceResponse, responses=READ)
async def events(
    search: Known,
    service: Asked,
    last_event_id: Annotated[str | None, Header(pattern=EVENT_ID)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `status`, `trial` for each that has ended, and `end`.

    Who connects again with Last-Event-ID gets the trials after that; all of them again where one
    may have been passed over.
    """
    async for event in SearchEvents(service, search, last_event_id).stream():
        yield event


@router.get(f"{ONE}/logs", response_class=PlainTextResponse, responses=READ)
async def logs(search: Known, asked: Annotated[Follow, Query()], service: Asked) -> Response:
    """What the driver of a search has printed in its latest job."""
    job = await run_in_threadpool(service.queue.latest, search)
    if job is None:
        raise MissingError(
            f"Ray has no log of search {search!r}: it did not run there, or Ray was started again"
        )
    if asked.follow:
        return StreamingResponse(_followed(service, job), media_type="text/plain")
    return PlainTextResponse(await run_in_threadpool(service.queue.logs, job))


async def _followed(service: Service, job: Job) -> AsyncIterator[str]:
    try:
        async for text in service.queue.follow(job):
            yield text
    except RayAwayError as error:
        # the response has begun, so its status code can't be changed any more
        yield f"\ntuneyard: {error}\n"
