"""From Ray Tune's callbacks to records and listeners: in order, and each end told once."""

import math
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from tuneyard.search.trials.listener import History, TrialListener
from tuneyard.search.trials.record import Params, TrialRecord
from tuneyard.search.tune.events import LOST, TrialEvents
from tuneyard.trainables.worker.assignment import Assignment, Member
from tuneyard.trainables.worker.report import BestEpoch, MemberReport, Reason, Report
from tuneyard.trainables.worker.wire import to_config, to_result


def config(number: int, params: Params, proposed: Params) -> dict[str, Any]:
    """A trial's config as Tune has it."""
    return to_config(Assignment((Member(number, params, proposed),)))


@dataclass
class FakeTrial:
    """What the callbacks read of Tune's trial."""

    number: int
    params: Params = field(default_factory=lambda: {"lr": 0.1, "epochs": 10})
    error: Exception | None = None
    saved: str | None = None

    def __post_init__(self) -> None:
        self.trial_id, self.error_file = f"id{self.number}", None
        self.config = config(self.number, self.params, self.params)

    @property
    def checkpoint(self) -> Any:
        """Tune knows a checkpoint by its path in the search's storage."""
        path = f"bucket/searches/my-search/checkpoints/{self.saved}"
        return SimpleNamespace(path=path) if self.saved else None

    def get_error(self) -> Exception | None:
        return self.error


@dataclass
class Listener(TrialListener):
    """Writes down what it is told."""

    told: list[tuple[Any, ...]] = field(default_factory=list)

    def restored(self, record: TrialRecord) -> None:
        assert record.state != "running"
        self.told.append(("restored", record.number))

    def started(self, record: TrialRecord) -> None:
        assert record.state == "running"
        self.told.append(("started", record.number))

    def progressed(self, record: TrialRecord, history: History) -> None:
        self.told.append(("progressed", record.number, record.epoch, dict(history)))

    def ended(self, record: TrialRecord) -> None:
        self.told.append(("ended", record.number, record.state, record.reason))


def result(
    epoch: int,
    losses: list[float],
    *,
    best: float | None = None,
    reason: Reason | None = None,
    error: str | None = None,
    params: Params | None = None,
) -> dict[str, Any]:
    """A trainable's result after some more epochs."""
    value = min(losses, default=math.nan) if best is None else best
    best = BestEpoch(epoch, value, {"val_loss": value}, params or {"lr": 0.1, "epochs": 10})
    history = {"val_loss": losses, "train_loss": losses} if losses else {}
    member = MemberReport(0, epoch, {}, best, history, reason, error)
    report = to_result(Report((member,)), "val_loss", should_checkpoint=False)
    return report | {"time_total_s": 0.5 * epoch, "hostname": "node-a"}


class Tune:
    """Calls the callbacks as the controller does."""

    def __init__(self, *before: TrialRecord) -> None:
        self.listener = Listener()
        self.events = TrialEvents([self.listener], before)

    def start(self, trial: FakeTrial) -> None:
        self.events.on_trial_start(0, [], trial)  # type: ignore[arg-type]

    def report(self, trial: FakeTrial, result: dict[str, Any]) -> None:
        self.events.on_trial_result(0, [], trial, result)  # type: ignore[arg-type]

    def complete(self, trial: FakeTrial) -> None:
        self.events.on_trial_complete(0, [], trial)  # type: ignore[arg-type]

    def fail(self, trial: FakeTrial) -> None:
        self.events.on_trial_error(0, [], trial)  # type: ignore[arg-type]

    def told(self, kind: str) -> list[tuple[Any, ...]]:
        return [one[1:] for one in self.listener.told if one[0] == kind]


@pytest.fixture
def tune() -> Tune:
    return Tune()


def losses(*values: float) -> dict[str, list[float]]:
    return {"val_loss": list(values), "train_loss": list(values)}


def test_a_trial_from_start_to_end(tune: Tune) -> None:
    trial = FakeTrial(3, saved="00003/checkpoint_000000")
    tune.start(trial)
    tune.report(trial, result(2, [0.9, 0.8]))
    tune.report(trial, result(3, [0.7]))
    tune.report(trial, result(4, [0.75], best=0.7, reason="completed"))
    tune.complete(trial)
    assert tune.listener.told == [
        ("started", 3),
        ("progressed", 3, 2, losses(0.9, 0.8)),
        ("progressed", 3, 3, losses(0.7)),
        ("progressed", 3, 4, losses(0.75)),
        ("ended", 3, "completed", "completed"),
    ]
    (record,) = tune.events.records
    assert record.value == 0.7
    assert record.epoch == 4
    assert (record.seconds, record.node) == (2.0, "node-a")
    assert record.metrics == {"val_loss": 0.7}
    assert record.checkpoint == "checkpoints/00003/checkpoint_000000"
    assert record.eligible


ENDS: list[tuple[dict[str, Any], str, str, bool]] = [
    ({"reason": "completed"}, "completed", "completed", True),
    ({"reason": "early_stopped"}, "early_stopped", "early_stopped", True),
    ({"reason": "deadline"}, "pruned", "deadline", True),
    ({}, "pruned", "scheduler", False),
    ({"reason": "diverged"}, "diverged", "diverged", False),
    (
        {"reason": "out_of_memory", "error": "OutOfMemoryError: no more"},
        "out_of_memory",
        "OutOfMemoryError: no more",
        False,
    ),
    ({"reason": "failed", "error": "ValueError: no"}, "failed", "ValueError: no", False),
]


@pytest.mark.parametrize(("last", "state", "reason", "eligible"), ENDS, ids=str)
def test_how_a_trial_ends(
    tune: Tune, last: dict[str, Any], state: str, reason: str, eligible: bool
) -> None:
    trial = FakeTrial(0, saved="00000/checkpoint_000000")
    tune.start(trial)
    tune.report(trial, result(1, [0.9]))
    tune.report(trial, result(2, [0.8], **last))
    tune.complete(trial)
    tune.events.close("interrupt")
    assert tune.told("ended") == [(0, state, reason)]
    (record,) = tune.events.records
    assert record.eligible is eligible
    assert record.value == 0.8


def test_a_trial_that_fails_before_its_first_epoch(tune: Tune) -> None:
    trial = FakeTrial(0)
    tune.start(trial)
    tune.report(trial, result(0, [], reason="failed", error="ValueError: window too long"))
    tune.complete(trial)
    assert tune.told("progressed") == []
    assert tune.told("ended") == [(0, "failed", "ValueError: window too long")]
    assert tune.events.records[0].value is None


def test_a_diverged_trial_keeps_its_last_finite_value(tune: Tune) -> None:
    trial = FakeTrial(0)
    tune.start(trial)
    tune.report(trial, result(1, [0.9]))
    tune.report(trial, result(2, [math.nan], best=math.nan, reason="diverged"))
    tune.complete(trial)
    (record,) = tune.events.records
    assert (record.value, record.best_epoch, record.epoch) == (0.9, 1, 2)
    assert [told[1] for told in tune.told("progressed")] == [1, 2]
    assert not record.eligible


def test_a_worker_lost_too_often(tune: Tune) -> None:
    error = RuntimeError("Traceback:\n  File x\nray.exceptions.ActorDiedError: it died\n")
    trial = FakeTrial(0, error=error, saved="00000/checkpoint_000000")
    tune.start(trial)
    tune.report(trial, result(1, [0.9]))
    tune.fail(trial)
    tune.events.close("time")
    assert tune.told("ended") == [(0, "failed", "ray.exceptions.ActorDiedError: it died")]
    assert not tune.events.records[0].eligible


def test_an_actor_that_never_came(tune: Tune) -> None:
    tune.fail(FakeTrial(0))
    assert tune.listener.told == [("started", 0), ("ended", 0, "failed", LOST)]


def test_close_ends_what_tune_left_running(tune: Tune) -> None:
    trials = [FakeTrial(number) for number in range(5)]
    for trial in reversed(trials):
        tune.start(trial)
    tune.report(trials[1], result(2, [0.5, 0.4]))
    tune.report(trials[0], result(1, [0.9], reason="completed"))
    tune.complete(trials[0])
    # its last result came, its end did not
    tune.report(trials[3], result(1, [0.7], reason="early_stopped"))
    tune.report(trials[4], result(1, [0.7], reason="completed"))
    tune.start(trials[4])  # its worker was lost before its weights were saved
    tune.events.close("interrupt")
    tune.events.close("error")
    assert tune.told("ended") == [
        (0, "completed", "completed"),
        (1, "pruned", "interrupt"),
        (2, "pruned", "interrupt"),
        (3, "early_stopped", "early_stopped"),
        (4, "pruned", "interrupt"),
    ]
    assert [record.number for record in tune.events.records] == [0, 1, 2, 3, 4]


def test_every_listener_is_told_in_order() -> None:
    told: list[tuple[str, str]] = []

    class Named(Listener):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def started(self, record: TrialRecord) -> None:
            told.append((self.name, "started"))

        def progressed(self, record: TrialRecord, history: History) -> None:
            told.append((self.name, "progressed"))

        def ended(self, record: TrialRecord) -> None:
            told.append((self.name, "ended"))

    tune = Tune()
    tune.events = TrialEvents([Named("a"), Named("b")])
    trial = FakeTrial(0)
    tune.start(trial)
    tune.report(trial, result(1, [0.9], reason="completed"))
    tune.complete(trial)
    assert told == [(n, step) for step in ("started", "progressed", "ended") for n in "ab"]


def test_epochs_that_a_lost_worker_repeats_are_told_once(tune: Tune) -> None:
    trial = FakeTrial(0)
    tune.start(trial)
    tune.report(trial, result(4, [0.9, 0.8, 0.7, 0.6]))
    tune.start(trial)  # it goes on from a checkpoint of epoch 1
    tune.report(trial, result(3, [0.8, 0.7]))
    tune.report(trial, result(6, [0.6, 0.5, 0.4]))
    assert tune.told("started") == [(0,)]
    assert tune.told("progressed") == [
        (0, 4, losses(0.9, 0.8, 0.7, 0.6)),
        (0, 6, losses(0.5, 0.4)),
    ]
    assert tune.events.records[0].epoch == 6


def test_a_copy_under_pbt(tune: Tune) -> None:
    trial = FakeTrial(1, params={"lr": 0.1, "epochs": 10})
    tune.start(trial)
    tune.report(trial, result(2, [0.9, 0.8]))
    copied: Params = {"lr": 0.05, "epochs": 10}
    # Tune gives it the config of the trial that it copies, that one's number included
    trial.config = config(7, copied, copied)
    tune.start(trial)
    (record,) = tune.events.records
    assert (record.number, record.params["lr"], record.current["lr"]) == (1, 0.1, 0.05)
    tune.report(trial, result(4, [0.3, 0.2], params=copied))
    tune.report(trial, result(5, [0.4], best=0.2, params=copied, reason="completed"))
    tune.complete(trial)
    assert (record.best_params, record.value) == (copied, 0.2)
    assert tune.told("started") == [(1,)]
    assert tune.told("ended") == [(1, "completed", "completed")]


def test_a_copy_of_a_younger_trial_is_told_when_it_passes_itself(tune: Tune) -> None:
    trial = FakeTrial(0)
    tune.start(trial)
    tune.report(trial, result(4, [0.9, 0.8, 0.7, 0.6]))
    tune.start(trial)
    tune.report(trial, result(3, [0.3]))
    tune.report(trial, result(5, [0.25, 0.2]))
    assert [told[1:] for told in tune.told("progressed")][1:] == [(5, losses(0.2))]
    assert tune.events.records[0].value == 0.2


# --- a search that goes on


def test_what_ended_before_is_restored_once_and_counted() -> None:
    before = [
        TrialRecord(0, {"lr": 0.1}, state="completed", value=0.5),
        TrialRecord(2, {"lr": 0.2}, state="failed", reason="ValueError: no"),
    ]
    tune = Tune(*before)
    trial = FakeTrial(1)
    tune.start(trial)
    tune.report(trial, result(1, [0.9], reason="completed"))
    tune.complete(trial)
    tune.events.close("interrupt")
    assert tune.listener.told == [
        ("restored", 0),
        ("restored", 2),
        ("started", 1),
        ("progressed", 1, 1, losses(0.9)),
        ("ended", 1, "completed", "completed"),
    ]
    assert [record.number for record in tune.events.records] == [0, 1, 2]
    assert tune.events.records[0] is before[0]


def test_epochs_that_come_again_are_not_told_again(tune: Tune) -> None:
    trial = FakeTrial(3)
    tune.start(trial)
    tune.report(trial, result(3, [0.9, 0.8, 0.7]))
    tune.report(trial, result(2, [0.9, 0.8]))
    tune.report(trial, result(5, [0.9, 0.8, 0.7, 0.6, 0.5]))
    assert tune.told("progressed") == [(3, 3, losses(0.9, 0.8, 0.7)), (3, 5, losses(0.6, 0.5))]


def test_a_trial_that_there_is_no_time_for_ends_too(tune: Tune) -> None:
    tune.events.give_up(7, {"lr": 0.1}, "time")
    assert tune.listener.told == [("started", 7), ("ended", 7, "pruned", "time")]


def test_a_changed_config_is_not_what_was_proposed() -> None:
    """PBT had changed it when the search was cut short."""
    tune = Tune()
    trial = FakeTrial(2)
    trial.config = config(2, {"lr": 0.08, "epochs": 10}, trial.params)
    tune.start(trial)
    (record,) = tune.events.records
    assert (record.params["lr"], record.current["lr"]) == (0.1, 0.08)
