"""A user's function as a training: its epochs, its end, and that it resumes exactly."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from torch import nn

from tuneyard.spaces import Float, SearchSpace
from tuneyard.spaces.objective import Objective
from tuneyard.trainables import Trial
from tuneyard.trainables.script.training import ScriptTraining
from tuneyard.trainables.training.checkpoint import load_training, save_checkpoint

CPU = torch.device("cpu")


class Space(SearchSpace):
    """One number."""

    lr: Annotated[float, Float(0.001, 1.0, log=True)] = 0.1


def start(
    train: Callable[[Any, Trial], None], *, mode: Any = "min", lr: float = 0.1, seed: int = 0
) -> ScriptTraining:
    objective = Objective("loss", mode)
    return ScriptTraining(train, Space(lr=lr), objective, seed=seed, device=CPU)


def run(training: ScriptTraining, epochs: int = 1000) -> list[dict[str, float]]:
    found = []
    while training.ended is None and len(found) < epochs:
        before = training.epoch
        metrics = training.run_epoch()
        found += [metrics] * (training.epoch - before)
    return found


def fit(config: Space, trial: Trial) -> None:
    """A model, an optimizer, a schedule, dropout, and every generator that there is."""
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    order, draw = torch.Generator().manual_seed(1), np.random.default_rng(2)
    trial.keep(model=model, optimizer=optimizer, schedule=schedule, order=order, draw=draw)
    for _ in trial.epochs(6):
        noise = random.random() + np.random.rand() + draw.random()  # noqa: NPY002
        rows = torch.randn(16, 4) + torch.randperm(16, generator=order)[:, None]
        loss = ((model(rows) - noise) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step(np.float64(loss.item()))
        trial.report(loss=loss, rate=optimizer.param_groups[0]["lr"])


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_it_resumes_exactly(tmp_path: Path, cut: int) -> None:
    whole = start(fit)
    expected = run(whole)
    assert [whole.epoch, whole.ended] == [6, "completed"]

    before = start(fit)
    assert run(before, cut) == expected[:cut]
    save_checkpoint(tmp_path, before, {}, {})
    before.close()
    torch.rand(100)  # other code draws from the same generators
    after = start(fit)
    load_training(tmp_path, after)
    assert run(after) == expected[cut:]
    assert after.best == whole.best
    assert (after.epoch, after.ended) == (6, "completed")
    for one, other in zip(after.best_weights(), whole.best_weights(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    after.close()
    whole.close()


def test_other_code_may_draw_between_epochs() -> None:
    alone = run(start(fit))
    disturbed = start(fit)
    found = []
    while disturbed.ended is None:
        found.append(disturbed.run_epoch())
        torch.rand(3)
        random.random()
        np.random.rand(5)  # noqa: NPY002
    assert found == alone


def test_the_same_seed_gives_the_same_and_another_seed_does_not() -> None:
    assert run(start(fit, seed=1)) == run(start(fit, seed=1)) != run(start(fit, seed=2))


def test_a_function_that_keeps_nothing_starts_anew(tmp_path: Path) -> None:
    def train(config: Space, trial: Trial) -> None:
        for epoch in trial.epochs(3):
            trial.report(loss=epoch)

    before = start(train)
    run(before, 2)
    save_checkpoint(tmp_path, before, {}, {})
    after = start(train)
    load_training(tmp_path, after)
    assert [metrics["loss"] for metrics in run(after)] == [1, 2, 3]


def test_a_best_epoch_keeps_its_weights() -> None:
    def train(config: Space, trial: Trial) -> None:
        model = nn.Linear(1, 1)
        trial.keep(model=model)
        for loss in (3.0, 1.0, 2.0):
            nn.init.constant_(model.weight, loss)
            model(torch.ones(1, 1))
            trial.report(loss=loss)

    training = start(train)
    run(training)
    assert training.best is not None
    assert (training.best.epoch, training.best.value) == (2, 1.0)
    (weights,) = training.best_weights()
    assert weights["modules"]["model"]["weight"].item() == 1.0
    assert weights["examples"]["model"].shape == (2, 1)


def test_a_report_outside_of_a_loop_is_an_epoch() -> None:
    def train(config: Space, trial: Trial) -> None:
        for step in range(4):
            trial.report(loss=np.float32(step))

    training = start(train)
    assert run(training) == [{"loss": 0}, {"loss": 1}, {"loss": 2}, {"loss": 3}]
    assert (training.epoch, training.ended) == (4, "completed")


def test_what_follows_the_loop_belongs_to_the_last_epoch() -> None:
    def train(config: Space, trial: Trial) -> None:
        for epoch in trial.epochs(2):
            trial.report(train_loss=epoch)
        trial.report(loss=7)

    training = start(train)
    assert run(training) == [{"train_loss": 1}, {"train_loss": 2, "loss": 7}]
    assert training.best is not None
    assert training.best.epoch == 2


def test_a_loop_that_breaks_is_stopped_early() -> None:
    def train(config: Space, trial: Trial) -> None:
        for epoch in trial.epochs(10):
            trial.report(loss=epoch)
            if epoch == 3:
                break

    training = start(train)
    assert len(run(training)) == 3
    assert (training.epoch, training.ended) == (3, "early_stopped")


def test_a_loss_that_is_no_number_diverges() -> None:
    def train(config: Space, trial: Trial) -> None:
        for epoch in trial.epochs(10):
            trial.report(loss=1 / epoch if epoch < 3 else float("nan"))

    training = start(train)
    run(training)
    training.close()
    assert (training.epoch, training.ended) == (3, "diverged")
    assert training.best is not None
    assert training.best.value == 0.5


def test_the_loop_ends_when_the_trial_does() -> None:
    followed = []

    def train(config: Space, trial: Trial) -> None:
        for epoch in trial.epochs(10):
            trial.report(loss=epoch)
        followed.append(trial.epoch)

    training = start(train)
    run(training, 2)
    threads = threading.active_count()
    training.close()
    assert followed == [2]
    assert threading.active_count() == threads - 1


def test_a_function_without_a_loop_is_ended_too() -> None:
    ended = []

    def train(config: Space, trial: Trial) -> None:
        try:
            for step in range(10):
                trial.report(loss=step)
        finally:
            ended.append(True)

    training = start(train)
    run(training, 2)
    training.close()
    assert ended == [True]


def test_a_function_that_does_not_want_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuneyard.trainables.script.turns.END_SECONDS", 0.2)

    def train(config: Space, trial: Trial) -> None:
        for epoch in trial.epochs(10):
            trial.report(loss=epoch)
        while True:
            time.sleep(0.01)

    training = start(train)
    run(training, 1)
    threads = threading.active_count()
    training.close()
    assert threading.active_count() == threads - 1


def test_what_it_changed_in_the_process_is_set_back(tmp_path: Path) -> None:
    def train(config: Space, trial: Trial) -> None:
        os.chdir(tmp_path)
        os.environ["TUNEYARD_LEFT_OVER"] = "1"
        for epoch in trial.epochs(2):
            (trial.folder / "note").write_text("here")
            trial.report(loss=epoch)

    before = Path.cwd()
    training = start(train)
    run(training, 1)
    (folder,) = training.folders.values()
    assert (folder / "note").read_text() == "here"
    training.close()
    assert Path.cwd() == before
    assert "TUNEYARD_LEFT_OVER" not in os.environ
    assert not folder.exists()


def test_files_of_its_folder_are_there_after_a_resume(tmp_path: Path) -> None:
    def train(config: Space, trial: Trial) -> None:
        trial.keep(model=nn.Linear(1, 1))
        note = trial.folder / "note"
        for epoch in trial.epochs(4):
            note.write_text(f"{note.read_text() if note.exists() else ''}{epoch}")
            trial.report(loss=len(note.read_text()))

    before = start(train)
    run(before, 2)
    save_checkpoint(tmp_path, before, {}, {})
    after = start(train)
    load_training(tmp_path, after)
    assert [metrics["loss"] for metrics in run(after)] == [3, 4]


def test_pbt_gives_the_optimizer_another_rate(tmp_path: Path) -> None:
    before = start(fit, lr=0.1)
    run(before, 2)
    save_checkpoint(tmp_path, before, {}, {})
    after = start(fit, lr=0.1)
    load_training(tmp_path, after)
    after.change(Space(lr=0.5))
    assert after.run_epoch()["rate"] == 0.5
    after.close()


def test_a_state_that_only_a_pickle_could_hold_is_refused(tmp_path: Path) -> None:
    class Odd:
        def state_dict(self) -> dict[str, object]:
            return {"a": [SimpleNamespace()]}

        def load_state_dict(self, state: object) -> None: ...

    def train(config: Space, trial: Trial) -> None:
        trial.keep(odd=Odd())
        for epoch in trial.epochs(2):
            trial.report(loss=epoch)

    training = start(train)
    run(training, 1)
    with pytest.raises(TypeError, match=r"keep\(odd=...\).state_dict\(\)\['a'\]\[0\] is a Simple"):
        save_checkpoint(tmp_path, training, {}, {})
    training.close()


def test_files_and_figures_are_handed_over(tmp_path: Path) -> None:
    class Figure:
        def savefig(self, fname: Any, *, format: str) -> None:
            fname.write(format.encode())

    def train(config: Space, trial: Trial) -> None:
        (tmp_path / "notes.txt").write_text("some")
        trial.log_artifact(tmp_path / "notes.txt")
        trial.log_figure("curve", Figure())
        trial.report(loss=1)

    training = start(train)
    run(training)
    assert training.take_artifacts() == {"notes.txt": b"some", "curve.png": b"png"}
    assert training.take_artifacts() == {}


def test_a_process_that_the_function_forks_ends(tmp_path: Path) -> None:
    def train(config: Space, trial: Trial) -> None:
        child = os.fork()
        if child == 0:
            trial.report(loss=0)
        _, status = os.waitpid(child, 0)
        trial.report(loss=os.waitstatus_to_exitcode(status))

    assert run(start(train)) == [{"loss": 1}]
