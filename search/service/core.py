"""What the routes of the service share: MLflow, Ray, and answers of a second's age."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated
from weakref import WeakValueDictionary

from fastapi import Depends, Request

from tuneyard.search.jobs.queue import JobQueue, RayAwayError
from tuneyard.search.results.result import SearchResult
from tuneyard.search.results.state import SearchState
from tuneyard.search.results.status import (
    SearchPage,
    SearchStatus,
    TrialPage,
    TrialStatus,
)
from tuneyard.search.service.actions import Actions
from tuneyard.search.service.cache import Fresh
from tuneyard.search.service.errors import MissingError
from tuneyard.search.service.predict import Champions, Prediction
from tuneyard.search.service.settings import ServiceSettings
from tuneyard.search.tracking.queries import MlflowAwayError, MlflowSearches, Run
from tuneyard.search.tracking.result import read_result
from tuneyard.search.tracking.state import needs_job, shown_state
from tuneyard.search.tracking.status import search_status
from tuneyard.search.tracking.tags import SearchTags
from tuneyard.spaces.registry import descriptions

HEALTH_SECONDS = 3.0


class Service:
    """Answers the routes' questions; nothing that it keeps would be missed.

    Args:
        settings: Whom to ask, and how much to take.
        queue: The jobs; None means those of the settings' Ray.
    """

    def __init__(self, settings: ServiceSettings, queue: JobQueue | None = None) -> None:
        self.settings = settings
        self.searches = MlflowSearches(settings.tracking_uri)
        self._mlflow_url = settings.mlflow_url or self.searches.address
        self.queue = queue or JobQueue(settings.ray_address)
        self.actions = Actions(settings, self.searches, self.queue)
        self._champions = Champions(self.searches)
        self._fresh = Fresh()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        # the tasks are found now, so that no request waits for it
        descriptions()

    @asynccontextmanager
    async def changing(self, search: str) -> AsyncIterator[None]:
        """One at a time changes a search: two who resume it at once would both find it over."""
        lock = self._locks.get(search)
        if lock is None:
            lock = self._locks[search] = asyncio.Lock()
        async with lock:
            try:
                yield
            finally:
                self.searches.forget()
                self._fresh.clear()

    async def run(self, name: str) -> Run:
        """A search's run.

        Raises:
            UnknownSearchError: There is no such search.
        """
        return await self._fresh.get(("run", name), lambda: self.searches.run(name))

    async def status(self, name: str) -> SearchStatus:
        """How a search stands.

        Raises:
            UnknownSearchError: There is no such search.
        """
        run = await self.run(name)
        (status,) = await self._statuses([run])
        return status

    async def page(
        self,
        task: str | None,
        state: SearchState | None,
        user: str | None,
        limit: int,
        start: int,
    ) -> SearchPage:
        """Some searches; see `MlflowSearches.page`.

        What is shown in a state is known after MLflow has answered: pages of which nothing is left
        are passed over.
        """
        after: int | None = start
        shown: list[SearchStatus] = []
        while after is not None and not shown:
            asked = (task, state, user, limit, after)
            runs, after = await self._fresh.get(
                ("page", *asked), partial(self.searches.page, *asked)
            )
            statuses = await self._statuses(runs)
            shown = [one for one in statuses if state in (None, one.state)]
        return SearchPage(searches=shown, next=None if after is None else str(after))

    async def all(self) -> list[SearchStatus]:
        """How all searches stand."""
        return await self._statuses(await self._fresh.get("all", self.searches.all))

    async def trials(self, name: str, limit: int, start: int) -> TrialPage:
        """Some trials of a search."""
        run = await self.run(name)
        return await self._fresh.get(
            ("trials", name, limit, start), lambda: self.searches.trials(run, limit, start)
        )

    async def ended_trials(self, name: str, since: int) -> list[tuple[int, TrialStatus]]:
        """A search's trials that ended after a time, each with its end, in Unix milliseconds."""
        run = await self.run(name)
        return await self._fresh.get(
            ("ended", name, since), lambda: self.searches.ended_trials(run, since)
        )

    async def best(self, name: str) -> SearchResult:
        """What a search has found until now.

        Raises:
            UnknownSearchError: There is no such search.
            MissingError: It has found nothing.
        """
        run, state = await self.run(name), (await self.status(name)).state
        nothing = f"no trial of search {name!r} has succeeded yet"
        if not SearchTags.decode(run.data.tags).begun:
            raise MissingError(nothing)
        result = await self._fresh.get(
            ("best", name),
            lambda: self.searches.ask(lambda client: read_result(client, run, state)),
        )
        if result.best is None:
            raise MissingError(nothing)
        place = result.mlflow.model_copy(update={"tracking_uri": self._mlflow_url})
        return result.model_copy(update={"mlflow": place})

    async def predict(self, task: str, inputs: list[object]) -> Prediction:
        """What the champion of a task says.

        Raises:
            MissingError: There is none.
            SearchError: The inputs are not as it takes them.
        """
        version = await self._fresh.get(("champion", task), lambda: self._champions.version(task))
        return await self._champions.predict(task, version, inputs)

    async def health(self) -> tuple[bool, bool]:
        """Whether MLflow and Ray answer."""

        async def answers(question: asyncio.Future[object]) -> bool:
            try:
                async with asyncio.timeout(HEALTH_SECONDS):
                    await question
            except (MlflowAwayError, RayAwayError, TimeoutError):
                return False
            return True

        mlflow, ray = await asyncio.gather(
            answers(asyncio.ensure_future(self._fresh.get("mlflow", self.searches.check))),
            answers(asyncio.ensure_future(self._fresh.get("live", self.queue.live))),
        )
        return mlflow, ray

    async def _statuses(self, runs: list[Run]) -> list[SearchStatus]:
        now = time.time()
        live: Collection[str] | None = ()
        if any(needs_job(run, self.searches.pulse, now) for run in runs):
            try:
                live = await self._fresh.get("live", self.queue.live)
            except RayAwayError:
                live = None
        pulse, url = self.searches.pulse, self._mlflow_url
        return [search_status(run, url, shown_state(run, pulse, live, now), now) for run in runs]


async def asked_service(request: Request) -> Service:
    """The service of the application that was asked."""
    service: Service = request.app.state.service
    return service


Asked = Annotated[Service, Depends(asked_service)]
