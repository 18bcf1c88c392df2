"""What changes a search from outside: submitted, stopped, resumed, extended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Self

from pydantic import model_validator

from tuneyard.search.jobs.queue import JobQueue, RayAwayError
from tuneyard.search.results.state import ENDED
from tuneyard.search.results.status import SearchStatus
from tuneyard.search.service.errors import ConflictError
from tuneyard.search.service.limits import check_budget, check_data
from tuneyard.search.service.settings import ServiceSettings
from tuneyard.search.spec.budget import Budget, extended
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.names import new_name
from tuneyard.search.spec.recorded import read_recorded_spec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.tracking.client import MlflowException
from tuneyard.search.tracking.queries import MlflowSearches, Run
from tuneyard.search.tracking.runs import SPEC, close_search, queue_search, queued_spec
from tuneyard.search.tracking.state import shown_state
from tuneyard.search.tracking.status import ended_trials, search_status
from tuneyard.search.tracking.tags import SearchTags
from tuneyard.spaces import SpaceError


class Extension(Budget):
    """A `Budget` of which something must be given.

    Attributes:
        trials: As many in all (``"300"``), or so many more (``"+100"``).
    """

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise SpaceError("an extension must have trials, time or target, got none of them")
        return self


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
            ConflictError: It is not over, or has used up its trials or its time.
        """
        run, status = self._look(name)
        _check_over(status)
        recorded = self._recorded(run)
        if status.state in ENDED:
            # one that was interrupted may have run its trials, and lack its end
            _check_remaining(status, recorded, _seconds(run))
        self._requeue(run, status, recorded, recorded)

    def extend(self, name: str, extension: Extension) -> None:
        """Puts a search that is over into the queue again, with a larger budget.

        Raises:
            UnknownSearchError: There is no such search.
            ConflictError: It is not over, or has used up what it would have, too.
            SearchError: The service does not take so many trials, or so much time.
        """
        run, status = self._look(name)
        _check_over(status)
        recorded, before = self._recorded(run), _seconds(run)
        spec = extended(recorded, extension, before)
        ended = ended_trials(status.trials)
        if extension.trials is not None and spec.trials <= ended:
            raise ConflictError(
                f"trials must be above the {ended} that search {name!r} has run, got "
                f"{spec.trials}; give more of them, or as +100"
            )
        _check_remaining(status, spec, before)
        seconds = None if spec.time is None else spec.time - before
        check_budget(self._settings, spec.trials, seconds)
        self._requeue(run, status, recorded, spec)

    def _look(self, name: str) -> tuple[Run, SearchStatus]:
        run = self._searches.run(name)
        searches, now = self._searches, time.time()
        state = shown_state(run, searches.pulse, self._queue.live(), now)
        return run, search_status(run, searches.address, state, now)

    def _recorded(self, run: Run) -> SearchSpec:
        """The spec of a search as it is now.

        Raises:
            ConflictError: MLflow has no spec of it.
        """
        try:
            text = self._searches.ask(lambda client: queued_spec(client, run))
        except MlflowException:
            name = SearchTags.decode(run.data.tags).search
            raise ConflictError(
                f"search {name!r} has no {SPEC} among its artifacts in MLflow: resume it where its "
                f"folder is: tuneyard resume {name}"
            ) from None
        return read_recorded_spec(text)

    def _record(self, run: Run, spec: SearchSpec) -> None:
        text = spec.to_yaml()
        self._searches.ask(lambda client: client.log_text(run.info.run_id, text, SPEC))

    def _requeue(
        self, run: Run, status: SearchStatus, recorded: SearchSpec, spec: SearchSpec
    ) -> None:
        """Submits a search again; what it may have is in its run, for each driver that starts."""
        tags = SearchTags.decode(run.data.tags)
        as_it_was = SearchTags(
            state=tags.state, budget=tags.budget, reason=tags.reason, heartbeat=tags.heartbeat
        )
        # from this heartbeat on there must be a job
        queued = SearchTags(
            state="queued",
            before=tags.before if tags.state == "queued" else status.state,
            reason="",
            budget=spec.trials,
            heartbeat=time.time(),
        )
        if spec != recorded:
            self._record(run, spec)
        self._searches.tag(run, queued)
        try:
            self._queue.submit(status.search)
        except RayAwayError:
            self._searches.tag(run, as_it_was)
            if spec != recorded:
                self._record(run, recorded)
            raise


def _seconds(run: Run) -> float:
    """What a search has taken so far."""
    return SearchTags.decode(run.data.tags).wall or 0.0


def _check_over(status: SearchStatus) -> None:
    if status.state == "queued":
        raise ConflictError(f"search {status.search!r} waits in the queue already")
    if status.state == "running":
        raise ConflictError(f"search {status.search!r} runs; stop it first, or wait for its end")


def _check_remaining(status: SearchStatus, spec: SearchSpec, before: float) -> None:
    """Refuses what a driver would refuse: a search without trials or time left."""
    name, ended = status.search, ended_trials(status.trials)
    if ended >= spec.trials:
        raise ConflictError(
            f"search {name!r} has run its {ended} trials; extend it: tuneyard resume {name} "
            "--trials +100"
        )
    if spec.time is not None and before >= spec.time:
        raise ConflictError(
            f"search {name!r} has used its {spec.time:.0f} s; extend it: tuneyard resume {name} "
            "--time 20m"
        )
