"""How long a thread waits before it tries again."""

from types import SimpleNamespace

import pytest

from tuneyard.search import retry
from tuneyard.search.retry import Backoff


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that a test sets."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(retry, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_waits_double_up_to_the_longest_and_start_over_after_a_success() -> None:
    backoff = Backoff(0.5, 3.0)
    assert [backoff.wait() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    backoff.reset()
    assert backoff.wait() == 0.5
    assert not backoff.gave_up
    assert Backoff(5.0, 3.0).wait() == 3.0


def test_no_wait_is_longer_than_the_time_left(clock: SimpleNamespace) -> None:
    backoff = Backoff(4.0, 10.0)
    backoff.give_up_after(5.0)
    assert (backoff.wait(), backoff.gave_up) == (4.0, False)
    clock.now += 4.0
    assert (backoff.wait(), backoff.gave_up) == (1.0, False)
    clock.now += 1.0
    assert (backoff.wait(), backoff.gave_up) == (0.0, True)
