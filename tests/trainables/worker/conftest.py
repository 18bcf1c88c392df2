"""Trials in this process, without Ray, and what they report."""

from collections.abc import Callable
from typing import Any

import pytest

from tuneyard.spaces import Value
from tuneyard.trainables.worker.assignment import Assignment, Member
from tuneyard.trainables.worker.setup import TrialSetup
from tuneyard.trainables.worker.trainable import TrialTrainable
from tuneyard.trainables.worker.wire import report_of, to_config

Params = dict[str, Value]


def flattened(result: dict[str, Any]) -> dict[str, Any]:
    """A result with the fields of its one report beside Ray Tune's own."""
    member = report_of(result).single
    best = member.best
    return result | {
        "best_epoch": best.epoch if best else 0,
        "best_metrics": best.metrics if best else {},
        "best_params": best.params if best else None,
        "history": member.history,
        "reason": member.reason,
        "error": member.error,
    }


class LocalTrial(TrialTrainable):
    """A trainable in this process whose results are flat."""

    def step(self) -> dict[str, Any]:
        return flattened(super().step())


@pytest.fixture(scope="session")
def flat() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Of a result of Ray Tune: `flattened`."""
    return flattened


@pytest.fixture(scope="session")
def start() -> Callable[[dict[str, Any], TrialSetup], TrialTrainable]:
    """Starts a trial in this process, of a config as Tune hands it over."""

    def make(config: dict[str, Any], setup: TrialSetup) -> TrialTrainable:
        made = object.__new__(LocalTrial)
        made.setup(config, setup)
        return made

    return make


@pytest.fixture(scope="session")
def asked() -> Callable[..., dict[str, Any]]:
    """A trial's config as Tune hands it over."""

    def make(
        params: Params, number: int = 0, proposed: Params | None = None, checkpoint: Any = None
    ) -> dict[str, Any]:
        address = str(checkpoint) if checkpoint else None
        member = Member(number, params, proposed or params, checkpoint=address)
        return to_config(Assignment((member,)))

    return make
