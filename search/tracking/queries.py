"""Searches found in MLflow: by name, page by page, and their trials."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from mlflow.entities import Run
from mlflow.store.entities import PagedList
from mlflow.utils.search_utils import SearchUtils

from tuneyard.search.access import redacted
from tuneyard.search.errors import SearchError, first_line
from tuneyard.search.results.state import ENDED, SearchState
from tuneyard.search.results.status import TrialPage, TrialStatus
from tuneyard.search.spec.names import NAME
from tuneyard.search.tracking.client import (
    MlflowClient,
    MlflowException,
    connect,
    set_tags,
    tracking_address,
)
from tuneyard.search.tracking.heartbeat import Pulse
from tuneyard.search.tracking.runs import children_of, find_search
from tuneyard.search.tracking.status import trial_status
from tuneyard.search.tracking.tags import SearchTags

__all__ = ["MlflowAwayError", "MlflowSearches", "Run", "UnknownSearchError"]

EXPERIMENTS_SECONDS = 5.0
PAGE = 1000

T = TypeVar("T")


class MlflowAwayError(SearchError):
    """MLflow does not answer, or fails."""


class UnknownSearchError(SearchError):
    """There is no search of that name."""


class MlflowSearches:
    """Reads searches from a tracking server, and connects to it when it is first needed.

    Every call raises MlflowAwayError where MLflow does not answer.

    Args:
        tracking_uri: MLflow's address; None means its own default.

    Attributes:
        address: MLflow's, redacted.
        pulse: What was seen of the searches' heartbeats.
    """

    def __init__(self, tracking_uri: str | None = None) -> None:
        self._uri = tracking_address(tracking_uri)
        self.address = redacted(self._uri)
        self._client: MlflowClient | None = None
        self._connecting = threading.Lock()
        # the run of a search does not change, unless a person deletes it
        self._runs: dict[str, str] = {}
        self.pulse = Pulse()
        self._experiments: tuple[float, dict[str, str]] = (0.0, {})

    def ask(self, question: Callable[[MlflowClient], T]) -> T:
        """What MLflow answers to a question; that it does not answer is said in one line."""
        client = self._connected()
        try:
            return question(client)
        except (MlflowException, OSError) as error:
            if getattr(error, "error_code", None) == "RESOURCE_DOES_NOT_EXIST":
                raise
            reason = first_line(error).replace(self._uri, self.address)
            raise MlflowAwayError(f"MLflow does not answer at {self.address}: {reason}") from None

    def check(self) -> None:
        """Asks MLflow a small question, to see whether it answers."""
        self.ask(lambda client: client.search_experiments(max_results=1))

    def find(self, name: str) -> Run | None:
        """A search's run as it is now; None where there is no such search."""
        run_id = self._runs.get(name)
        if run_id is not None:
            try:
                known = self.ask(lambda client: client.get_run(run_id))
                if known.info.lifecycle_stage == "active":
                    return known
            except MlflowException:
                pass
            self._runs.pop(name, None)
        found = self.ask(lambda client: find_search(client, name))
        if found is not None:
            self._runs[name] = found.info.run_id
        return found

    def run(self, name: str) -> Run:
        """A search's run as it is now.

        Raises:
            UnknownSearchError: There is no such search.
        """
        found = self.find(name)
        if found is None:
            raise UnknownSearchError(f"there is no search {name!r} in {self.address}")
        return found

    def page(
        self,
        task: str | None = None,
        state: SearchState | None = None,
        user: str | None = None,
        limit: int = PAGE,
        start: int = 0,
    ) -> tuple[list[Run], int | None]:
        """Runs of searches, the newest first, by one query.

        Args:
            task: Only those of this task.
            state: Only those that may be in this state; `shown_state`, which knows of the jobs,
                says which of them are.
            user: Only those that this user submitted.
            limit: At most so many.
            start: Leave out so many before them.

        Returns:
            The runs, and where the next page starts; None where there is none.
        """
        known = self._known_experiments()
        asked = [known[task]] if task in known else [] if task else list(known.values())
        if not asked:
            return [], None
        conditions = [SearchTags.condition("task", "LIKE", "%"), *_conditions(state, user)]
        return self._search(asked, " and ".join(conditions), "start_time DESC", limit, start)

    def all(self) -> list[Run]:
        """The runs of all searches."""
        runs: list[Run] = []
        start: int | None = 0
        while start is not None:
            found, start = self.page(start=start)
            runs += found
        return runs

    def trials(self, run: Run, limit: int = PAGE, start: int = 0) -> TrialPage:
        """Some of a search's trials, in the order in which they started."""
        runs, after = self._children(run, "", "start_time ASC", limit, start)
        task = SearchTags.decode(run.data.tags).task
        return TrialPage(
            trials=[trial_status(one, task) for one in runs],
            next=None if after is None else str(after),
        )

    def ended_trials(self, run: Run, since: int) -> list[tuple[int, TrialStatus]]:
        """A search's trials that ended after a time, each with its end, in Unix milliseconds."""
        found: list[Run] = []
        start: int | None = 0
        while start is not None:
            ended = f" and attributes.end_time > {since:d}"
            runs, start = self._children(run, ended, "end_time ASC", PAGE, start)
            found += runs
        task = SearchTags.decode(run.data.tags).task
        return [(one.info.end_time, trial_status(one, task)) for one in found]

    def _children(
        self, run: Run, condition: str, order: str, limit: int, start: int
    ) -> tuple[list[Run], int | None]:
        asked = children_of(run.info.run_id) + condition
        return self._search([run.info.experiment_id], asked, order, limit, start)

    def _search(
        self, experiments: list[str], condition: str, order: str, limit: int, start: int
    ) -> tuple[list[Run], int | None]:
        token = _token(start)

        def search(client: MlflowClient) -> PagedList[Run]:
            return client.search_runs(
                experiments, condition, max_results=limit, order_by=[order], page_token=token
            )

        found = self.ask(search)
        return list(found), _start(found.token)

    def _known_experiments(self) -> dict[str, str]:
        """The experiments' ids by task, asked for anew every few seconds."""
        until, known = self._experiments
        if time.monotonic() > until:
            found = self.ask(
                lambda client: client.search_experiments(filter_string="name LIKE 'tuneyard/%'")
            )
            known = {one.name.removeprefix("tuneyard/"): one.experiment_id for one in found}
            self._experiments = (time.monotonic() + EXPERIMENTS_SECONDS, known)
        return known

    def tag(self, run: Run, tags: SearchTags) -> None:
        """Writes tags of a search's run, all at once."""
        self.ask(lambda client: set_tags(client, run.info.run_id, tags))

    def forget(self) -> None:
        """Forgets the experiments, so that the next question asks for them again."""
        self._experiments = (0.0, {})

    def _connected(self) -> MlflowClient:
        with self._connecting:
            if self._client is None:
                try:
                    self._client = connect(self._uri)
                except SearchError as error:
                    raise MlflowAwayError(str(error)) from None
            return self._client


def _conditions(state: SearchState | None, user: str | None) -> list[str]:
    conditions = []
    if user is not None:
        if not NAME.fullmatch(user):
            raise SearchError(f"user must be the name of a token, got {user!r}")
        conditions.append(SearchTags.condition("user", "=", user))
    if state == "interrupted":
        # its driver died before it could write an end: its tag is that of a search under way
        conditions += [SearchTags.condition("state", "!=", end) for end in sorted(ENDED)]
    elif state is not None:
        conditions.append(SearchTags.condition("state", "=", state))
    return conditions


def _token(start: int) -> str | None:
    """MLflow's token of a page, made from a number that a client sent."""
    return SearchUtils.create_page_token(start) if start else None  # type: ignore[no-untyped-call]


def _start(token: str | None) -> int | None:
    if not token:
        return None
    start: int = SearchUtils.parse_start_offset_from_page_token(token)  # type: ignore[no-untyped-call]
    return start
