"""Trials: what a step does, why a trial ends, what is saved; in this process, without Ray."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tuneyard.datasets import airplane
from tuneyard.spaces import Value
from tuneyard.spaces.fields.optimizers import SGD
from tuneyard.spaces.tasks.airplane_lstm import AirplaneLstmSpace
from tuneyard.trainables.training.trained import TrainedTask
from tuneyard.trainables.training.training import Training
from tuneyard.trainables.worker import trainable as trial_module
from tuneyard.trainables.worker.device import trial_device
from tuneyard.trainables.worker.setup import TrialSetup
from tuneyard.trainables.worker.trainable import TrialTrainable

Params = dict[str, Value]
DATA = airplane.load()


def airplane_params(**fields: Any) -> Params:
    space = AirplaneLstmSpace.space()
    return space.flatten(AirplaneLstmSpace(**({"epochs": 6} | fields)))


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch, start: Any, asked: Any) -> Callable[..., TrialTrainable]:
    """A trainable in this process, without Ray: of a task's name, or of a task."""

    def make(task: Any, params: Params, **setup: Any) -> TrialTrainable:
        name = task
        if not isinstance(task, str):
            name = task.name
            found = {name: TrainedTask(task)}
            monkeypatch.setattr(trial_module, "find_searchable", found.__getitem__)
        made: TrialTrainable = start(asked(params), TrialSetup(name, (DATA,), **setup))
        return made

    return make


def params_of(task: Any, **fields: Any) -> Params:
    return task.space.space().flatten(task.space(**fields))


def to_the_end(trial: TrialTrainable) -> list[dict[str, Any]]:
    results = [trial.step()]
    while not results[-1]["done"]:
        results.append(trial.step())
    return results


def joined(results: list[dict[str, Any]], metric: str) -> list[float]:
    return [value for result in results for value in result["history"][metric]]


class Clock:
    """Time that passes only in epochs."""

    def __init__(self) -> None:
        self.now = 1e6

    def monotonic(self) -> float:
        return self.now

    time = monotonic


@pytest.fixture
def epochs_last(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], Clock]:
    """Makes each epoch last so many seconds."""

    def last(seconds: float) -> Clock:
        clock = Clock()
        original = Training.run_epoch

        def run_epoch(self: Training) -> dict[str, float]:
            clock.now += seconds
            return original(self)

        monkeypatch.setattr(Training, "run_epoch", run_epoch)
        monkeypatch.setattr(trial_module, "time", clock)
        return clock

    return last


# what a step is


@pytest.mark.parametrize(
    ("seconds", "milestones", "ends"),
    [
        (0.0, (), [10]),
        (0.3, (), [4, 8, 10]),
        (5.0, (), list(range(1, 11))),
        (0.0, (3, 9), [3, 9, 10]),
        (0.3, (3, 9), [3, 7, 9, 10]),
        (0.0, (10, 30), [10]),
    ],
)
def test_a_step_fills_a_second_and_stops_at_milestones(
    seconds: float,
    milestones: tuple[int, ...],
    ends: list[int],
    scripted: Any,
    local: Any,
    epochs_last: Any,
) -> None:
    epochs_last(seconds)
    scores = [0.1 * epoch for epoch in range(1, 11)]
    task = scripted(*scores)
    trial = local(task, params_of(task, epochs=10), milestones=frozenset(milestones))
    results = to_the_end(trial)
    assert [result["epoch"] for result in results] == ends
    assert joined(results, "val_score") == pytest.approx(scores)
    assert [result["current"] for result in results] == pytest.approx(
        [scores[end - 1] for end in ends]
    )
    assert [result["done"] for result in results] == [False] * (len(ends) - 1) + [True]


def test_a_result_tells_the_best_so_far_beside_the_current(scripted: Any, local: Any) -> None:
    task = scripted(0.2, 0.7, 0.4, 0.1)
    params = params_of(task, epochs=4)
    first, last = to_the_end(local(task, params, milestones=frozenset({3})))
    for result in (first, last):
        assert (result["objective"], result["best_epoch"]) == (pytest.approx(0.7), 2)
        assert result["best_metrics"]["val_score"] == pytest.approx(0.7)
        assert result["best_metrics"].keys() == {"train_loss", "val_loss", "val_score"}
        assert result["best_params"] == params
    assert first["current"] == pytest.approx(0.4)
    assert first["history"].keys() == {"train_loss", "val_loss", "val_score"}
    assert (first["reason"], last["reason"]) == (None, "completed")


@pytest.mark.parametrize(
    ("scores", "fields", "setup", "reason", "epoch"),
    [
        ([0.1, 0.2, 0.3], {"epochs": 3}, {}, "completed", 3),
        ([0.3, 0.2, 0.1], {"epochs": 9, "patience": 2}, {}, "early_stopped", 3),
        ([0.1, math.nan], {"epochs": 9}, {}, "diverged", 2),
        ([0.1, 0.5, 0.6], {"epochs": 9}, {"target": 0.5}, "completed", 2),
        ([0.1, 0.4, 0.6], {"epochs": 9}, {"target": 0.5}, "completed", 3),
        ([0.1, 0.4], {"epochs": 9}, {"deadline": 0.0}, "deadline", 1),
        ([0.1, 0.4], {"epochs": 2}, {"deadline": math.inf, "target": 0.5}, "completed", 2),
    ],
)
def test_why_a_trial_ends(
    scores: list[float],
    fields: dict[str, int],
    setup: dict[str, float],
    reason: str,
    epoch: int,
    scripted: Any,
    local: Any,
) -> None:
    task = scripted(*scores)
    *_, last = to_the_end(local(task, params_of(task, **fields), **setup))
    assert (last["reason"], last["epoch"], last["error"]) == (reason, epoch, None)
    assert last["should_checkpoint"] is (reason != "diverged")
    finite = [score for score in scores[:epoch] if math.isfinite(score)]
    assert last["objective"] == pytest.approx(max(finite))


def test_a_target_of_a_minimum_is_reached_from_above(local: Any) -> None:
    trial = local("airplane-lstm", airplane_params(epochs=300), target=60.0)
    *_, last = to_the_end(trial)
    assert last["reason"] == "completed"
    assert last["objective"] <= 60.0
    assert last["epoch"] < 300
    assert min(last["history"]["val_rmse"][:-1], default=99) > 60.0


def test_the_deadline_comes_on_the_way(scripted: Any, local: Any, epochs_last: Any) -> None:
    clock = epochs_last(0.4)
    task = scripted(0.1)
    trial = local(task, params_of(task, epochs=100), deadline=clock.now + 2.0)
    *_, last = to_the_end(trial)
    assert (last["reason"], last["epoch"]) == ("deadline", 5)


# what goes wrong


def test_a_trial_that_raises_tells_what_and_keeps_its_epochs(scripted: Any, local: Any) -> None:
    task = scripted(0.3, 0.2, ZeroDivisionError("no rows in class 7"))
    result = local(task, params_of(task, epochs=5)).step()
    assert result["reason"] == "failed"
    assert result["error"] == "ZeroDivisionError: no rows in class 7"
    assert result["done"]
    assert not result["should_checkpoint"]
    assert result["epoch"] == 2
    assert result["history"]["val_score"] == pytest.approx([0.3, 0.2])


def test_a_config_that_does_not_fit_fails_with_the_rule(local: Any) -> None:
    trial = local("airplane-lstm", airplane_params() | {"lookback": 99})
    result = trial.step()
    assert (result["reason"], result["epoch"]) == ("failed", 0)
    assert "lookback must be in [2, 36], got 99" in result["error"]
    assert math.isnan(result["objective"])
    assert result["best_metrics"] == {}


def real_message() -> str:
    with pytest.raises(RuntimeError) as error:
        torch.empty(10**15)
    return str(error.value)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "out_of_memory"),
        (MemoryError(), "out_of_memory"),
        (RuntimeError(real_message()), "out_of_memory"),
        (RuntimeError("CUDA error: out of memory"), "out_of_memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when ..."), "out_of_memory"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), "out_of_memory"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "failed"),
        (ValueError("can't allocate memory"), "failed"),
    ],
)
def test_out_of_memory_has_its_own_reason(
    error: Exception, reason: str, scripted: Any, local: Any
) -> None:
    task = scripted(0.1, error)
    result = local(task, params_of(task)).step()
    assert result["reason"] == reason
    assert result["error"] == f"{type(error).__name__}: {error}"


def test_a_trial_after_a_failed_one_is_as_good_as_new(
    scripted: Any, local: Any, asked: Any
) -> None:
    task = scripted(0.1, MemoryError())
    trial = local(task, params_of(task))
    assert trial.step()["done"]
    assert trial.reset_config(asked(params_of(task, epochs=1), number=1))
    result = trial.step()
    assert (result["reason"], result["epoch"], result["error"]) == ("completed", 1, None)


# devices


def test_without_gpus_a_trial_stays_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert trial_device(0.0) == torch.device("cpu")


@pytest.mark.parametrize(("gpus", "limits"), [(0.25, [0.25]), (1.0, []), (2.0, [])])
def test_a_share_of_a_gpu_is_kept_to(
    gpus: float, limits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limits: list[float] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", set_limits.append)
    assert trial_device(gpus).type == "cuda"
    assert set_limits == limits


# reuse, checkpoints


def test_a_reused_trainable_trains_as_a_fresh_one(local: Any, asked: Any) -> None:
    first, second = airplane_params(), airplane_params(cell="gru", dropout=0.3, lookback=5)
    fresh = to_the_end(local("airplane-lstm", second))
    reused = local("airplane-lstm", first)
    assert joined(to_the_end(reused), "val_rmse") != joined(fresh, "val_rmse")
    assert reused.reset_config(asked(second))
    assert to_the_end(reused) == fresh


def test_a_trial_goes_on_from_its_checkpoint(local: Any, tmp_path: Path) -> None:
    params = airplane_params(dropout=0.3)
    whole = to_the_end(local("airplane-lstm", params))
    stops = frozenset({3})
    begun = local("airplane-lstm", params, milestones=stops)
    first = begun.step()
    begun.save_checkpoint(str(tmp_path))
    continued = local("airplane-lstm", params, milestones=stops)
    continued.load_checkpoint(str(tmp_path))
    rest = to_the_end(continued)
    assert (first["epoch"], rest[-1]["epoch"]) == (3, 6)
    for metric in ("train_loss", "val_rmse"):
        assert joined(rest, metric) == joined(whole, metric)
    assert rest[-1]["objective"] == whole[-1]["objective"]
    assert rest[-1]["best_params"] == params


def test_a_copy_goes_on_with_its_own_rate_and_remembers_whose_the_best_was(
    scripted: Any, local: Any, asked: Any, tmp_path: Path
) -> None:
    """As PBT does it. The score rises with the weight's fall: by 1 an epoch, then by 3."""
    task = scripted(0.1, 0.2, 0.15, 0.15, 0.15, 0.15, 0.15, 0.9)
    slow, fast = (params_of(task, optimizer=SGD(lr=lr), epochs=4) for lr in (1.0, 0.75))
    donor = local(task, slow, milestones=frozenset({2}))
    donor.step()
    donor.save_checkpoint(str(tmp_path))

    copy = local(task, slow, milestones=frozenset({3}))
    copy.reset_config(asked(fast))
    copy.load_checkpoint(str(tmp_path))
    first = copy.step()
    assert (first["epoch"], first["current"]) == (3, pytest.approx(0.15))  # at 2.75
    assert (first["objective"], first["best_params"]) == (pytest.approx(0.2), slow)
    assert copy._training is not None
    (weights,) = copy._training.problems
    assert weights.model.state_dict()["weight"].item() == -2.75


def test_a_better_epoch_of_the_copy_is_its_own(scripted: Any, local: Any, tmp_path: Path) -> None:
    task = scripted(0.1, 0.2, 0.9)
    slow, fast = (params_of(task, optimizer=SGD(lr=lr), epochs=4) for lr in (1.0, 0.75))
    donor = local(task, slow, milestones=frozenset({2}))
    donor.step()
    donor.save_checkpoint(str(tmp_path))
    copy = local(task, fast)
    copy.load_checkpoint(str(tmp_path))
    result = copy.step()
    assert (result["objective"], result["best_epoch"]) == (pytest.approx(0.9), 3)
    assert result["best_params"] == fast


def test_a_trial_that_goes_on_is_saved_every_minute(
    scripted: Any, local: Any, asked: Any, epochs_last: Any, tmp_path: Path
) -> None:
    epochs_last(25.0)
    task = scripted(0.1)
    trial = local(task, params_of(task, epochs=9))
    due = []
    for _ in range(7):
        due.append(trial.step()["should_checkpoint"])
        if due[-1]:
            trial.save_checkpoint(str(tmp_path))
    assert due == [False, False, True, False, False, True, False]
    trial.reset_config(asked(params_of(task, epochs=9)))
    assert not trial.step()["should_checkpoint"]
