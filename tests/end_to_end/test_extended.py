"""The budget of a search belongs to the search: no command has to say it twice."""

from __future__ import annotations

from typing import Any

import pytest

from tuneyard.search import SearchError, Settings
from tuneyard.search.api import resume, search
from tuneyard.search.spec.budget import Budget, extended
from tuneyard.search.spec.files import parse_spec
from tuneyard.search.stages.recorded import recorded_search
from tuneyard.search.tracking.client import set_tags
from tuneyard.search.tracking.runs import SPEC
from tuneyard.search.tracking.tags import SearchTags

pytestmark = pytest.mark.usefixtures("local_ray")

BUDGETS = [Budget(trials="+2"), Budget(time=600), Budget(trials="5", time=600, target=-1.0)]


@pytest.mark.parametrize("budget", BUDGETS, ids=str)
def test_a_search_that_was_extended_in_the_queue(
    settings: Settings, records: Any, budget: Budget
) -> None:
    values = {"task": "airplane-lstm", "name": "mine", "trials": 3, "folds": 1}
    used_up = {"time": 0.5} if budget.trials is None else {}
    spec = parse_spec(values | {"space": {"epochs": 2}} | used_up)
    search(spec, settings)
    left = records(settings, "mine")
    run = left.parent
    before = SearchTags.decode(run.data.tags).wall or 0.0
    # as the service does; a driver that was killed before it began has left no trace
    granted = extended(recorded_search(left.folder).spec, budget, before)
    left.client.log_text(run.info.run_id, granted.to_yaml(), SPEC)
    set_tags(left.client, run.info.run_id, SearchTags(state="queued", before="completed"))
    result = resume("mine", settings)
    assert result.trials["total"] == granted.trials
    found = recorded_search(left.folder).spec
    assert (found.trials, found.time, found.target) == (
        granted.trials,
        granted.time,
        granted.target,
    )
    # a driver that is started again finds it in the folder, and no time anew
    with pytest.raises(SearchError, match=f"has run its {granted.trials} trials"):
        resume("mine", settings)
