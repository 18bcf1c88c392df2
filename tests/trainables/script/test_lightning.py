"""Trials of `lightning.pytorch.Trainer`: interrupted, stopped, and made again for the winner."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tuneyard.spaces import SearchSpace
from tuneyard.spaces.code.describe import describe_functions
from tuneyard.spaces.code.errors import CodeError
from tuneyard.trainables.script.lightning import TrialCallback
from tuneyard.trainables.script.script import Script
from tuneyard.trainables.script.training import ScriptTraining
from tuneyard.trainables.script.trial import Trial
from tuneyard.trainables.training.checkpoint import load_training, save_checkpoint

CPU = torch.device("cpu")


class Space(SearchSpace):
    lr: float = 0.01


class Net(LightningModule):
    """Random in each batch: the order of rows, and dropout."""

    def __init__(self, config: Space, log: list[str]) -> None:
        super().__init__()
        self.lr, self.events = config.lr, log
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1))

    def forward(self, rows: Tensor) -> Tensor:
        out: Tensor = self.layers(rows)
        return out

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        self.events.append("batch")
        loss = nn.functional.mse_loss(self(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        self.log("val_loss", nn.functional.mse_loss(self(batch[0]), batch[1]))

    def on_train_epoch_end(self) -> None:
        self.log("lr", self.optimizers().param_groups[0]["lr"])  # type: ignore[union-attr]

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=self.lr)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)]


class Counter(Callback):
    """A callback with a state of its own."""

    def __init__(self) -> None:
        self.epochs = 0

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.epochs += not trainer.sanity_checking
        pl_module.events.append(f"validated {self.epochs}")  # type: ignore[union-attr, operator]

    def state_dict(self) -> dict[str, Any]:
        return {"epochs": self.epochs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.epochs = state_dict["epochs"]


def loader(rows: int, **options: Any) -> DataLoader[Any]:
    draw = torch.Generator().manual_seed(rows)
    features = torch.randn(rows, 4, generator=draw)
    return DataLoader(TensorDataset(features, features.sum(1, keepdim=True)), 8, **options)


def script(
    log: list[str],
    *callbacks: Callable[[], Callback],
    metrics: list[str] | None = None,
    own_generator: bool = False,
    objective: str = "min val_loss",
    **options: Any,
) -> Script:
    """A task of 5 epochs of 4 batches."""

    def train(config: Space, trial: Trial) -> None:
        trainer = Trainer(
            **{"max_epochs": 5} | options,
            callbacks=[TrialCallback(trial, metrics), *[make() for make in callbacks]],
            accelerator="cpu",
            default_root_dir=trial.folder,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        generator = torch.Generator().manual_seed(3) if own_generator else None
        if generator is not None:
            trial.keep(shuffling=generator)
        rows = loader(32, shuffle=True, generator=generator)
        trainer.fit(Net(config, log), rows, loader(16))
        log.append("returned")

    functions = SimpleNamespace(train=train, Space=Space, objective=objective)
    found = describe_functions(functions, "m", "", place="m", name="m", origin="m")
    return Script(found, functions)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Lightning has much to say about loaders without worker processes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def start(task: Script) -> ScriptTraining:
    return task.start(Space(), [task.load(None, None)], seed=1, device=CPU)


Train = Callable[..., list[dict[str, float]]]


@pytest.mark.parametrize("own_generator", [False, True])
@pytest.mark.parametrize("after", [1, 2, 4])
def test_a_resumed_trial_is_as_if_uninterrupted(
    train: Train, assert_same: Any, tmp_path: Path, after: int, own_generator: bool
) -> None:
    whole_log: list[str] = []
    whole = start(script(whole_log, Counter, own_generator=own_generator))
    curve = train(whole)
    assert whole.ended == "completed"
    assert [epoch["lr"] for epoch in curve] == pytest.approx([0.01, 0.005, 0.005, 0.0025, 0.0025])
    assert len({epoch["train_loss"] for epoch in curve}) == 5

    log: list[str] = []
    before = start(script(log, Counter, own_generator=own_generator))
    first = train(before, after)
    save_checkpoint(tmp_path, before, {}, {})
    trained = log.count("batch")
    before.close()
    assert trained == 4 * after
    assert log.count("batch") == trained, "it trained on after it was stopped"
    assert log[-1] == "returned"

    log.clear()
    again = start(script(log, Counter, own_generator=own_generator))
    load_training(tmp_path, again)
    assert first + train(again) == curve
    assert log.count("batch") == 4 * (5 - after)
    assert "validated 5" in log, "the callback's state is restored"
    assert (again.ended, again.epoch, again.best) == ("completed", 5, whole.best)
    assert_same(again.best_weights(), whole.best_weights())


def test_another_callback_stops_the_trainer(train: Train, tmp_path: Path) -> None:
    def impatient() -> EarlyStopping:
        # no epoch is better than the first by that much
        return EarlyStopping("val_loss", min_delta=1e9, patience=2)

    log: list[str] = []
    whole = start(script(log, impatient))
    curve = train(whole)
    assert (len(curve), whole.epoch, whole.ended) == (3, 3, "early_stopped")

    before = start(script(log, impatient))
    train(before, 2)
    save_checkpoint(tmp_path, before, {}, {})
    again = start(script(log, impatient))
    load_training(tmp_path, again)
    assert train(again) == curve[2:], "its patience goes on where it was"
    assert again.ended == "early_stopped"
    before.close()


def test_a_stopped_trial_does_not_go_on_to_a_least_number_of_epochs(train: Train) -> None:
    log: list[str] = []
    training = start(script(log, min_epochs=4, min_steps=15))
    train(training, 1)
    training.close()
    assert (log.count("batch"), log[-1]) == (4, "returned")


@pytest.mark.parametrize("options", [{}, {"min_epochs": 2}], ids=str)
def test_the_winner_has_its_best_weights(
    train: Train, assert_same: Any, tmp_path: Path, options: dict[str, Any]
) -> None:
    seen: list[nn.Module] = []
    log: list[str] = []
    # as it learns, the first epoch stays the one with the highest loss
    task = script(log, objective="max val_loss", **options)
    training = start(task)
    train(training)
    save_checkpoint(tmp_path, training, {}, {})
    assert training.best is not None
    assert training.best.epoch == 1

    def test(config: Space, model: nn.Module) -> dict[str, float]:
        seen.append(model)
        features, target = loader(16).dataset[:]
        return {"loss": nn.functional.mse_loss(model(features), target).item()}

    task._functions.test = test  # type: ignore[attr-defined]
    log.clear()
    final = task.finish(
        Space(),
        task.load(None, None),
        checkpoint=tmp_path,
        folds=1,
        epochs=training.best.epoch,
        seed=1,
        device=CPU,
    )
    assert "batch" not in log, "the winner is made again without training"
    (model,) = seen
    assert not model.training
    (best,) = training.best_weights()
    assert_same(dict(model.state_dict()), dict(best["modules"]["model"]))
    assert final.metrics["test_loss"] == pytest.approx(training.best.value, rel=1e-5)
    assert final.example is not None
    assert final.example.shape == (2, 4)


def test_metrics_are_chosen_by_name_and_reported_once(train: Train) -> None:
    assert train(start(script([], metrics=["val_loss"])), 1)[0].keys() == {"val_loss"}
    # validated in epochs 2 and 4
    curve = train(start(script([], check_val_every_n_epoch=2)))
    assert ["val_loss" in epoch for epoch in curve] == [False, True, False, True, False]
    assert all("train_loss" in epoch for epoch in curve)


def test_a_trial_that_takes_over_a_config_trains_with_its_learning_rate(
    train: Train, tmp_path: Path
) -> None:
    before = start(script([]))
    train(before, 1)
    save_checkpoint(tmp_path, before, {}, {})
    again = start(script([]))
    load_training(tmp_path, again)
    again.change(Space(lr=0.3))
    assert train(again, 1)[0]["lr"] == pytest.approx(0.3 * 0.5)
    before.close()
    again.close()


def test_a_trainer_without_a_number_of_epochs() -> None:
    training = start(script([], max_epochs=-1))
    with pytest.raises(CodeError, match=r"Trainer\(max_epochs=\.\.\.\) must be 1 or more, got -1"):
        training.run_epoch()
