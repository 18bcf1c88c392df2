"""The end of a whole search: at its target, or when it is told."""

from typing import Literal

import pytest

from tuneyard.search.trials.record import TrialRecord
from tuneyard.search.tune.events import SearchStopper
from tuneyard.spaces.objective import Objective


@pytest.mark.parametrize(
    ("mode", "target", "value", "saved", "stops"),
    [
        ("min", 0.5, 0.4, True, True),
        ("min", 0.5, 0.5, True, True),
        ("min", 0.5, 0.6, True, False),
        ("min", 0.5, 0.4, False, False),
        ("min", 0.5, None, True, False),
        ("max", 0.5, 0.6, True, True),
        ("max", 0.5, 0.5, True, True),
        ("max", 0.5, 0.4, True, False),
        ("min", None, 0.0, True, False),
    ],
)
def test_the_target(
    mode: Literal["min", "max"],
    target: float | None,
    value: float | None,
    saved: bool,
    stops: bool,
) -> None:
    stopper = SearchStopper(Objective("val_loss", mode), target)
    record = TrialRecord(0, {}, value=value, checkpoint="somewhere" if saved else None)
    stopper.restored(record)  # an earlier run that reached it was resumed all the same
    stopper.started(record)
    stopper.progressed(record, {"val_loss": [0.0]})
    assert not stopper.stop_all()
    record.state = "completed"
    stopper.ended(record)
    assert stopper("id", {"objective": value, "done": True}) is False
    assert stopper.stop_all() is stops
    assert stopper.reason == ("target" if stops else None)


def test_the_first_reason_counts() -> None:
    stopper = SearchStopper(Objective("val_loss", "min"), 0.5)
    assert not stopper.stop_all()
    stopper.stop("interrupt")
    stopper.ended(TrialRecord(0, {}, value=0.1, checkpoint="somewhere"))
    assert stopper.stop_all()
    assert stopper.reason == "interrupt"
