"""What changes a search from outside: submitted, stopped, resumed, extended."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from tuneyard.search.jobs.queue import JobQueue, RayAwayError
from tuneyard.search.results.status import SearchStatus
from tuneyard.search.service.errors import ConflictError
from tuneyard.search.service.limits import check_budget, check_data
from tuneyard.search.service.settings import ServiceSettings
from tuneyard.search.spec.budget import MORE, Budget
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.names import new_name
from tuneyard.search.tracking.queries import MlflowSearches, Run
from tuneyard.search.tracking.runs import close_search, queue_search
from tuneyard.search.tracking.status import ended_trials, search_status
from tuneyard.search.tracking.tags import SearchTags


class Extension(Budget):
    """A `Budget` whose trials must be given.

    Attributes:
        trials: As many in all (``"300"``), or so many more (``"+100"``).
    """

    trials: Annotated[str, Field(pattern=f"^{MORE}$")]


class Actions:
    """Changes searches; every call blocks, and raises an error where MLflow or Ray is away.

    Args:
        settings: With the limits.
        searches: The searches in MLflow.
        queue: Their jobs.
    """

    def __init__(
        self, settings: ServiceSettings, searches: MlflowSearches, queue: JobQueue
    ) -> None:
        self._settings = settings
        self._searches = searches
        self._queue = queue

    def submit(self, values: Mapping[str, object], user: str | None) -> str:
        """Puts a search into the queue.

        Args:
            values: Of its spec, by key.
            user: Whose token submits it.

        Returns:
            The search's name.

        Raises:
            SearchError: The spec is wrong, or more than the service takes.
            ConflictError: There is a search of that name.
        """
        spec = parse_spec(values)
        check_data(spec.data)
        check_budget(self._settings, spec.trials, spec.time)
        name = spec.name or new_name(spec.task)
        spec = spec.model_copy(update={"name": name})
        if self._searches.find(name) is not None:
            raise ConflictError(f"there is a search {name!r} already; give another name")
        # before anything is made
        self._queue.live()
        run = self._searches.ask(lambda client: queue_search(client, spec, user))
        try:
            self._queue.submit(name)
        except RayAwayError:
            self._searches.ask(lambda client: client.delete_run(run.run_id))
            raise
        return name

    def stop(self, name: str) -> None:
        """Ends a search in order, or takes it out of the queue.

        A search that runs has ended when its driver has closed its runs. One that waits, or whose
        driver died, is closed here.

        Raises:
            UnknownSearchError: There is no such search.
            ConflictError: It is over, or it does not run on this cluster.
        """
        run, status = self._look(name)
        if status.state in ("completed", "stopped", "failed"):
            raise ConflictError(f"search {name!r} is {status.state} already: nothing is to stop")
        had_job = self._queue.stop(name)
        if status.state == "running" and not had_job:
            raise ConflictError(
                f"search {name!r} runs outside this cluster; end it where it was started, by Ctrl+C"
            )
        if status.state in ("queued", "interrupted"):
            self._searches.ask(lambda client: close_search(client, run))

    def resume(self, name: str) -> None:
        """Puts a search that is over or interrupted into the queue again.

        Raises:
            UnknownSearchError: There is no such search.
            ConflictError: It is not over, or has no trials left.
        """
        run, status = self._look(name)
        _check_over(status)
        ended = ended_trials(status.trials)
        if ended >= status.budget > 0:
            raise ConflictError(
                f"search {name!r} has run its {ended} trials; extend it: tuneyard resume {name} "
                "--trials +100"
            )
        self._requeue(run, status, status.budget, [])

    def extend(self, name: str, extension: Extension) -> None:
        """Puts a search that is over into the queue again, with more trials.

        Raises:
            UnknownSearchError: There is no such search.
            ConflictError: It is not over, or has run so many trials already.
            SearchError: The service does not take so many.
        """
        run, status = self._look(name)
        _check_over(status)
        more = extension.trials.startswith("+")
        trials = int(extension.trials) + (status.budget if more else 0)
        ended = ended_trials(status.trials)
        if trials <= ended:
            raise ConflictError(
                f"trials must be above the {ended} that search {name!r} has run, got {trials}; "
                "give more of them, or as +100"
            )
        check_budget(self._settings, trials, extension.time)
        # a job may be started twice: "+100" would count twice then
        arguments = [f"--trials={trials}"]
        if extension.time is not None:
            arguments.append(f"--time={extension.time!r}")
        if extension.target is not None:
            arguments.append(f"--target={extension.target!r}")
        self._requeue(run, status, trials, arguments)

    def _look(self, name: str) -> tuple[Run, SearchStatus]:
        run = self._searches.run(name)
        live = self._queue.live()
        searches = self._searches
        return run, search_status(run, searches.address, searches.pulse, live, time.time())

    def _requeue(
        self, run: Run, status: SearchStatus, budget: int, arguments: Sequence[str]
    ) -> None:
        tags = SearchTags.decode(run.data.tags)
        before = SearchTags(state=tags.state, budget=status.budget, heartbeat=tags.heartbeat)
        # from this heartbeat on there must be a job
        queued = SearchTags(state="queued", budget=budget, heartbeat=time.time())
        self._searches.tag(run, queued)
        try:
            self._queue.submit(status.search, arguments)
        except RayAwayError:
            self._searches.tag(run, before)
            raise


def _check_over(status: SearchStatus) -> None:
    if status.state == "queued":
        raise ConflictError(f"search {status.search!r} waits in the queue already")
    if status.state == "running":
        raise ConflictError(f"search {status.search!r} runs; stop it first, or wait for its end")
