"""Where schedulers look at trials."""

import pytest

from tuneyard.search.spec.schedulers import (
    ASHA,
    PBT,
    HyperBand,
    Median,
    NoScheduler,
    Scheduler,
)


@pytest.mark.parametrize(
    ("scheduler", "epochs", "expected"),
    [
        (ASHA(), 100, {20, 60}),
        (ASHA(grace_period=1), 81, {1, 3, 9, 27, 81}),
        (ASHA(grace_period=4, reduction_factor=2), 30, {4, 8, 16}),
        (ASHA(grace_period=500), 30, {30}),
        (ASHA(), 1, {1}),
        (HyperBand(), 81, {1, 3, 9, 27, 81}),
        (HyperBand(), 100, {1, 3, 9, 27, 81, 11, 33, 99, 100}),
        (HyperBand(reduction_factor=4), 30, {1, 4, 16, 7, 28, 30}),
        (HyperBand(), 1, {1}),
        (Median(), 30, {6, 12, 18, 24, 30}),
        (Median(grace_period=7), 30, {7, 14, 21, 28}),
        (PBT(), 100, set(range(10, 101, 10))),
        (PBT(interval=40), 100, {40, 80}),
        (PBT(), 5, {1, 2, 3, 4, 5}),
        (PBT(interval=500), 30, {30}),
        (NoScheduler(), 100, set()),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_milestones(scheduler: Scheduler, epochs: int, expected: set[int]) -> None:
    assert scheduler.milestones(epochs) == expected


@pytest.mark.parametrize("epochs", [1, 3, 9, 10, 19, 20, 100, 1000])
def test_the_first_rung_is_a_fifth_and_pbts_interval_a_tenth(epochs: int) -> None:
    assert ASHA().first_rung(epochs) == Median().first_rung(epochs) == max(1, epochs // 5)
    assert PBT().step(epochs) == max(1, epochs // 10)
    assert ASHA(grace_period=7).first_rung(epochs) == min(7, epochs)
    assert PBT(interval=7).step(epochs) == min(7, epochs)
