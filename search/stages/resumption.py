"""What may keep a search from being resumed, and its spec with a larger budget."""

from __future__ import annotations

import time

from tuneyard.datasets import Data
from tuneyard.search.errors import SearchError
from tuneyard.search.spec.budget import Budget
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.spec.search import SearchSpec
from tuneyard.search.study.study import Study
from tuneyard.search.tracking.client import Run
from tuneyard.search.tracking.heartbeat import DEAD_SECONDS, has_driver, heartbeat_age
from tuneyard.search.tracking.tags import SearchTags


def check_no_driver(parent: Run) -> None:
    """Sees that no driver is at work on the search.

    Args:
        parent: The search's run, as it is now.

    Raises:
        SearchError: One is.
    """
    tags, now = SearchTags.decode(parent.data.tags), time.time()
    if tags.state == "running" and has_driver(tags, now):
        raise SearchError(
            f"search {tags.search!r} runs: its driver's last heartbeat was "
            f"{heartbeat_age(tags, now):.0f} s ago; stop it first, or wait until "
            f"{DEAD_SECONDS:.0f} s have passed"
        )


def check_data(parent: Run, data: Data) -> None:
    """Sees that a search is resumed on the data that it was started on.

    Raises:
        SearchError: The data has changed.
    """
    tags = SearchTags.decode(parent.data.tags)
    known = tags.data or data.fingerprint
    if known != data.fingerprint:
        raise SearchError(
            f"the data of search {tags.search!r} has changed since it was started (sha256 "
            f"{known[:12]}, now {data.fingerprint[:12]}); start a new search"
        )


def extended(spec: SearchSpec, budget: Budget, before: float) -> SearchSpec:
    """The spec with a larger budget; times count from now on.

    Args:
        spec: As the search was recorded.
        budget: What it may have more.
        before: Seconds that it has taken so far.

    Raises:
        SearchError: The new budget can't be one.
    """
    changes: dict[str, object] = {}
    if budget.trials is not None:
        more = budget.trials.startswith("+")
        changes["trials"] = int(budget.trials) + (spec.trials if more else 0)
    if budget.time is not None:
        changes["time"] = before + budget.time
    if budget.target is not None:
        changes["target"] = budget.target
    return parse_spec(spec.model_dump() | changes)


def check_remaining(search: ResolvedSpec, study: Study, before: float) -> None:
    """Sees that a search has trials and time left.

    Raises:
        SearchError: It has used up its budget.
    """
    ended, spec = len(study.ended_before), search.spec
    if ended >= spec.trials:
        raise SearchError(
            f"search {search.name!r} has run its {ended} trials; give it more with --trials +100"
        )
    if spec.time is not None and before >= spec.time:
        raise SearchError(
            f"search {search.name!r} has used its {spec.time:.0f} s; give it more with --time 20m"
        )
