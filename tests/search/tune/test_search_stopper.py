"""The end of a whole search: at its target, or when it is told."""

from typing import Literal

import pytest

from tuneyard.search.trials.record import TrialRecord
from tuneyard.search.tune.stopper import ALIKE, SearchStopper
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


def failed(number: int, reason: str = "ValueError: no") -> TrialRecord:
    return TrialRecord(number, {}, state="failed", reason=reason)


def test_first_trials_that_fail_alike_end_it() -> None:
    stopper = SearchStopper(Objective("val_loss", "min"), None)
    for number in range(1, ALIKE + 1):
        assert stopper.reason is None
        stopper.ended(failed(number))
    assert stopper.reason == "failures"


@pytest.mark.parametrize("spared", ["another reason", "a success", "keep going", "resumed"])
def test_other_failures_do_not(spared: str) -> None:
    stopper = SearchStopper(Objective("val_loss", "min"), None, keep_going=spared == "keep going")
    if spared == "resumed":
        stopper.restored(failed(1))
    if spared == "a success":
        stopper.ended(TrialRecord(1, {}, state="pruned", value=0.5))
    for number in range(2, 2 * ALIKE):
        stopper.ended(failed(number, f"no {number}" if spared == "another reason" else "no"))
    assert stopper.reason is None
