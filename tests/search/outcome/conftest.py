"""A search of twelve trials, recorded in MLflow and in its folder, without training any."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuneyard.search import Outcome, Settings
from tuneyard.search.results.csv import trials_csv
from tuneyard.search.results.result import SearchResult
from tuneyard.search.storage.folder import SPEC, SearchFolder
from tuneyard.search.tracking.result import find_parent, read_result
from tuneyard.search.trials.record import State, TrialRecord
from tuneyard.spaces import Float, Int, Space, Value
from tuneyard.spaces.language.dimensions import Dimension

TRIALS = 12


def chosen(draw: random.Random) -> Callable[[Dimension], Value]:
    """Chooses any value of a dimension."""

    def choose(leaf: Dimension) -> Value:
        match leaf.domain:
            case Float(low, high, True, None):
                return math.exp(draw.uniform(math.log(low), math.log(high)))
            case Float(low, high, False, None):
                return draw.uniform(low, high)
            case Int(low, high):
                return draw.randint(low, high)
            case domain:
                return draw.choice(list(domain.grid(100)))

    return choose


class Recorded:
    """A search whose trials were recorded and never ran.

    Trial 0 is the baseline with 0.5; the others have 0.59, 0.58, ... in the last of three epochs;
    trial 3 was pruned after its second epoch, trial 4 diverged before its first.
    """

    def __init__(self, search: Any, settings: Settings) -> None:
        self.settings = settings
        self.client = search.client
        self.folder = SearchFolder(settings.storage, search.spec.name)
        space: Space[Any] = search.search.space
        draw = random.Random(0)
        self.records: list[TrialRecord] = []
        for number in range(TRIALS):
            config = space.baseline() if number == 0 else space.suggest(chosen(draw))
            record = search.start(number, space.flatten(config))
            value = 0.5 if number == 0 else 0.6 - number / 100
            state: State = "completed"
            if number == 3:
                search.train(record, [value + 0.1, value + 0.05])
                state, record.reason = "pruned", "scheduler"
            elif number == 4:
                state, record.reason = "diverged", "val_loss is nan"
            else:
                search.train(record, [value + 0.1, value + 0.05, value])
            record.seconds = float(number)
            search.end(record, state)
            self.records.append(record)
        search.flush()
        self.folder.make()
        self.folder.write(SPEC, search.search.recorded().to_yaml())
        self.folder.write("trials.csv", trials_csv(self.records))

    @property
    def result(self) -> SearchResult:
        parent = find_parent(self.client, "my-search")
        return read_result(self.client, parent, "completed")

    def outcome(self) -> Outcome:
        """What a search would return."""
        return Outcome(self.result, self.settings)


@pytest.fixture
def recorded(record_search: Callable[..., Any], tmp_path: Path) -> Recorded:
    search = record_search(trials=TRIALS, scheduler="none")
    settings = Settings(
        storage=tmp_path / "searches", tracking_uri=f"sqlite:///{tmp_path}/mlflow.db"
    )
    return Recorded(search, settings)


@pytest.fixture
def found(recorded: Recorded) -> Outcome:
    return recorded.outcome()
