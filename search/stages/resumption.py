"""What may keep a search from being resumed."""

from __future__ import annotations

import time

from tuneyard.datasets import Data
from tuneyard.search.errors import SearchError
from tuneyard.search.spec.budget import Budget
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.stages.explored import EXPLORED, Explored
from tuneyard.search.stages.recorded import RecordedSearch
from tuneyard.search.stages.tested import TESTED
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.storage.trial_files import TrialFiles
from tuneyard.search.tracking.client import MlflowClient, Run
from tuneyard.search.tracking.heartbeat import heartbeat_age
from tuneyard.search.tracking.state import folder_state, found_state
from tuneyard.search.tracking.tags import SearchTags
from tuneyard.search.trials.record import ENDS


def check_no_driver(client: MlflowClient, parent: Run, folder: SearchFolder) -> None:
    """Sees that no driver is at work on the search.

    Args:
        client: Of the tracking server.
        parent: The search's run, as it is now.
        folder: Of the search.

    Raises:
        SearchError: One is.
    """
    if found_state(client, parent, folder) == "running":
        tags = SearchTags.decode(parent.data.tags)
        host, _, process = tags.driver.rpartition(":")
        raise SearchError(
            f"search {tags.search!r} runs: its driver is process {process or 'unknown'} on "
            f"{host or 'an unknown host'}, and its last heartbeat was "
            f"{heartbeat_age(tags, time.time(), parent.info.start_time / 1000):.0f} s ago; stop it "
            "first, or wait for its end"
        )


def check_data(name: str, recorded: RecordedSearch, parent: Run | None, data: Data) -> None:
    """Sees that a search is resumed on the data that it was started on.

    Raises:
        SearchError: The data has changed.
    """
    known = recorded.data.fingerprint if recorded.data else None
    if known is None and parent is not None:
        known = SearchTags.decode(parent.data.tags).data
    if known not in (None, data.fingerprint):
        raise SearchError(
            f"the data of search {name!r} has changed since it was started (sha256 "
            f"{known[:12]}, now {data.fingerprint[:12]}); start a new search"
        )


def is_over(folder: SearchFolder, parent: Run | None) -> bool:
    """Whether a search has ended, so that a resume lets it explore once more.

    One that lost its driver in its last stages has not: it only ends, unless it gets more.
    """
    state = SearchTags.decode(parent.data.tags).state if parent else "running"
    return state != "running" and folder_state(folder) is not None


def forget_end(folder: SearchFolder) -> None:
    """Lets a search explore again whose trials had all ended."""
    folder.forget(EXPLORED)
    folder.forget(TESTED)


def was_stopped(folder: SearchFolder) -> bool:
    """Whether a person stopped a search whose driver then died in its last stages."""
    explored = Explored.read(folder)
    return explored is not None and explored.reason == "interrupt"


def ended_trials(folder: SearchFolder, parent: Run | None) -> int:
    """How many trials of a search have ended."""
    found = len(TrialFiles(folder).ended_numbers())
    # an earlier version kept them in the study and in MLflow alone
    tags = SearchTags.decode(parent.data.tags).trials if parent else {}
    return found or sum(tags.get(state, 0) for state in ENDS)


def check_remaining(
    name: str, spec: SearchSpec, ended: int, before: float, *, over: bool, budget: Budget
) -> None:
    """Sees that a search that is over, or that is given so many trials, has some left, and time.

    Raises:
        SearchError: It has used up its budget.
    """
    if ended >= spec.trials and (over or budget.trials is not None):
        raise SearchError(
            f"search {name!r} has run its {ended} trials; give it more with --trials +100"
        )
    if over and spec.time is not None and before >= spec.time:
        raise SearchError(
            f"search {name!r} has used its {spec.time:.0f} s; give it more with --time 20m"
        )
