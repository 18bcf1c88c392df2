"""The queue of searches is Ray's own: a search is a job that takes one of the cluster's slots."""

from __future__ import annotations

import logging
import shlex
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from operator import methodcaller
from typing import TYPE_CHECKING, Any, TypeVar  # Any: Ray's client passes on any arguments

from tuneyard.search.errors import SearchError, first_line
from tuneyard.search.tracking.tags import SearchTags

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

COMMAND = "exec python -P -m tuneyard.search.jobs.runner"
ADDRESS = "http://127.0.0.1:8265"
"""Ray's dashboard where no other address is named: Ray's own default."""

SLOT = "tuneyard_search"
"""Custom resource on the head; its amount is how many searches run at once."""

SEARCH = SearchTags.key("search")
"""Key of a job's metadata under which it names its search, as the tags in MLflow do."""

STOP_SECONDS = 120
"""Time that a driver gets to close its runs after a request to stop, before Ray kills it."""

PATIENCE_SECONDS = 10.0

T = TypeVar("T")


class RayAwayError(SearchError):
    """Ray does not answer, or refuses this service."""


@dataclass(frozen=True)
class Job:
    """A Ray job that runs a search, or ran it.

    Attributes:
        id: Ray's name of it: the search's name, then ``NAME.2``, ``NAME.3`` as it is resumed.
        search: The search.
        live: Whether it waits or runs.
        submitted: When, in Unix milliseconds.
    """

    id: str
    search: str
    live: bool
    submitted: int


class JobQueue:
    """Searches as jobs of a Ray cluster.

    Nothing is asked before the first call. Each call raises RayAwayError where Ray does not answer.
    Ray's token comes from RAY_AUTH_MODE and RAY_AUTH_TOKEN.

    Args:
        address: Of Ray's dashboard; RAY_API_SERVER_ADDRESS wins over it.
        command: What a job runs, in the shell's language; the search's name comes after it.
    """

    def __init__(self, address: str = ADDRESS, command: str = COMMAND) -> None:
        self.address = address
        self._command = command
        self._client: JobSubmissionClient | None = None

    def submit(self, search: str) -> str:
        """Puts a search into the queue; it starts when a slot is free.

        What it may have is in its run in MLflow: a job may be lost, and started again.

        Returns:
            The job's id.
        """
        taken, jobs = self._list()
        number = sum(job.search == search for job in jobs) + 1
        # the search "a.2" has the name that the second job of "a" would get
        while (name := f"{search}.{number}" if number > 1 else search) in taken:
            number += 1
        return self._ask(
            lambda client: client.submit_job(
                entrypoint=f"{self._command} {shlex.quote(search)}",
                submission_id=name,
                metadata={SEARCH: search},
                runtime_env={"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS)}},
                entrypoint_resources={SLOT: 1},
            )
        )

    def jobs(self) -> list[Job]:
        """The jobs of all searches that this cluster has had, in the order of their submission."""
        return self._list()[1]

    def live(self) -> frozenset[str]:
        """The searches that wait or run."""
        return frozenset(job.search for job in self.jobs() if job.live)

    def latest(self, search: str) -> Job | None:
        """The last job of a search; None where this cluster has had none."""
        return next((job for job in reversed(self.jobs()) if job.search == search), None)

    def stop(self, search: str) -> bool:
        """Tells a search's driver to end in order, without waiting for that.

        A job that waits keeps its place, and ends as soon as it has a slot.

        Returns:
            Whether there was a job to stop.
        """
        names = [job.id for job in self.jobs() if job.search == search and job.live]
        for name in names:
            self._ask(methodcaller("stop_job", name))
        return bool(names)

    def logs(self, job: Job) -> str:
        """What a job's driver has printed until now."""
        return self._ask(lambda client: client.get_job_logs(job.id))

    async def follow(self, job: Job) -> AsyncIterator[str]:
        """What a job's driver has printed and prints, until it ends; the job may wait still."""
        client = self._connected()
        try:
            async for text in client.tail_job_logs(job.id):
                yield text
        except Exception as error:  # of aiohttp, of Ray, of the operating system
            raise self._away(error) from None

    def _list(self) -> tuple[set[str], list[Job]]:
        """All ids that are taken, and the jobs of searches."""
        found = self._ask(lambda client: client.list_jobs())
        taken = {str(one.submission_id) for one in found}
        jobs = [
            Job(
                str(one.submission_id),
                metadata[SEARCH],
                str(one.status.value) in ("PENDING", "RUNNING"),
                one.start_time or 0,
            )
            for one in found
            # the driver of a job is listed too, with the metadata of its job
            if one.type.value == "SUBMISSION" and SEARCH in (metadata := one.metadata or {})
        ]
        return taken, sorted(jobs, key=lambda job: (job.submitted, len(job.id), job.id))

    def _ask(self, ask: Callable[[JobSubmissionClient], T]) -> T:
        client = self._connected()
        try:
            return ask(client)
        except Exception as error:
            raise self._away(error) from None

    def _connected(self) -> JobSubmissionClient:
        if self._client is None:
            try:
                self._client = _connect(self.address)
            except Exception as error:
                raise self._away(error) from None
        return self._client

    def _away(self, error: Exception) -> RayAwayError:
        from ray.exceptions import AuthenticationError

        if isinstance(error, AuthenticationError):
            return RayAwayError(
                f"Ray at {self.address} does not take the token; set RAY_AUTH_MODE=token and "
                "RAY_AUTH_TOKEN as on its nodes"
            )
        reason = first_line(error) or type(error).__name__
        return RayAwayError(
            f"Ray does not answer at {self.address}: {reason}; start it there, or name another "
            "address with RAY_API_SERVER_ADDRESS"
        )


def _connect(address: str) -> JobSubmissionClient:
    from ray.job_submission import JobSubmissionClient

    # it logs a line for every log that ends
    logging.getLogger("ray.dashboard.modules.job.sdk").setLevel(logging.WARNING)

    class Client(JobSubmissionClient):
        """Ray's client with a time limit: without one it never returns when Ray hangs."""

        def _do_request(self, *arguments: Any, **options: Any) -> Any:
            return super()._do_request(*arguments, **{"timeout": PATIENCE_SECONDS} | options)

    return Client(address)
