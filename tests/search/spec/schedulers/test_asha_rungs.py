"""ASHA that has recalled the trials that ended before decides as if it had seen them live."""

from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ray.tune.schedulers import TrialScheduler

from tuneyard.search.spec.schedulers import (
    ASHA,
    HyperBand,
    Median,
    NoScheduler,
    SchedulerSetting,
)
from tuneyard.search.spec.schedulers.asha_rungs import RecallsRungs
from tuneyard.spaces.registry import find_description
from tuneyard.trainables.worker.assignment import Assignment, Member
from tuneyard.trainables.worker.wire import to_config

SPACE = find_description("diabetes").space.space()
EPOCHS = 27
Mode = Literal["min", "max"]
Curves = dict[int, dict[int, float]]


class Trial:
    """What the scheduler asks of a trial."""

    def __init__(self, name: str, number: int) -> None:
        self.trial_id = f"{name}{number}"
        self.config = to_config(Assignment((Member(number, {}, {}),)))


class Course(NamedTuple):
    """How a trial would go: its values by epoch, all the way to its own end."""

    values: list[float]
    # epochs at which steps end because they fill a second
    stops: set[int]


def courses(**sizes: int) -> st.SearchStrategy[list[Course]]:
    values = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=EPOCHS)
    course = st.builds(Course, values, st.sets(st.integers(1, EPOCHS), max_size=4))
    return st.lists(course, **sizes)


class Run:
    """A real scheduler told of trials as Tune does, and the curves that the study keeps."""

    def __init__(self, asha: ASHA, mode: Mode, curves: Curves | None = None) -> None:
        self.scheduler = asha.build(SchedulerSetting(mode, SPACE, EPOCHS, curves=curves or {}))
        self._looks = asha.milestones(EPOCHS)
        self._best = min if mode == "min" else max
        self.curves: Curves = {}

    def train(self, number: int, course: Course, name: str = "id") -> int:
        """The epoch at which the trial ends: its own end, or the scheduler's."""
        trial: Any = Trial(name, number)
        tune: Any = None
        self.scheduler.on_trial_add(tune, trial)
        curve = self.curves.setdefault(number, {})
        last = len(course.values)
        for epoch in sorted({*self._looks, *course.stops, last} & set(range(1, last + 1))):
            curve[epoch] = self._best(course.values[:epoch])
            result = {"epoch": epoch, "objective": curve[epoch]}
            if epoch == last:
                self.scheduler.on_trial_complete(tune, trial, result)
            elif self.scheduler.on_trial_result(tune, trial, result) == TrialScheduler.STOP:
                self.scheduler.on_trial_remove(tune, trial)
                return epoch
        return last


@settings(max_examples=150, deadline=None)
@given(
    asha=st.builds(
        ASHA, grace_period=st.integers(1, 9) | st.none(), reduction_factor=st.integers(2, 4)
    ),
    mode=st.sampled_from(["min", "max"]),
    before=courses(max_size=8),
    after=courses(min_size=1, max_size=8),
)
def test_it_decides_as_before(
    asha: ASHA, mode: Mode, before: list[Course], after: list[Course]
) -> None:
    live = Run(asha, mode)
    for number, course in enumerate(before):
        live.train(number, course)
    resumed = Run(asha, mode, live.curves)
    for number, course in enumerate(after, len(before)):
        assert resumed.train(number, course, name="other") == live.train(number, course)


def test_a_poor_trial_is_stopped_by_those_that_ended_before() -> None:
    asha = ASHA(grace_period=3)
    good, poor = Course([0.5] * EPOCHS, set()), Course([0.9] * EPOCHS, set())
    curves = {number: {3: 0.5, 9: 0.5, 27: 0.5} for number in range(1, 5)}
    fresh, resumed = Run(asha, "min"), Run(asha, "min", curves)
    assert (fresh.train(5, poor), resumed.train(5, poor)) == (EPOCHS, 3)
    assert resumed.train(6, good) == EPOCHS
    assert resumed.train(0, poor) == EPOCHS, "the baseline is spared"


@pytest.mark.parametrize("scheduler", [HyperBand(), Median(), NoScheduler()], ids=str)
def test_the_others_recall_nothing(scheduler: Any) -> None:
    built = scheduler.build(SchedulerSetting("min", SPACE, EPOCHS))
    assert not isinstance(built, RecallsRungs)
