"""Trials of `transformers.Trainer`: interrupted, stopped, and made again for the winner."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers
from torch import nn
from torch.utils.data import StackDataset
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    EarlyStoppingCallback,
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    ViTConfig,
    ViTForImageClassification,
)

from tuneyard.spaces import SearchSpace
from tuneyard.spaces.code.describe import describe_functions
from tuneyard.spaces.code.errors import CodeError
from tuneyard.trainables.script.script import Script
from tuneyard.trainables.script.training import ScriptTraining
from tuneyard.trainables.script.transformers import TrialCallback
from tuneyard.trainables.script.trial import Trial
from tuneyard.trainables.training.checkpoint import load_training, save_checkpoint

CPU = torch.device("cpu")
SIZES = {
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_labels": 3,
}


class Space(SearchSpace):
    lr: float = 0.01


def bert() -> PreTrainedModel:
    """With dropout."""
    config = BertConfig(vocab_size=9, max_position_embeddings=6, **SIZES)  # type: ignore[arg-type]
    return BertForSequenceClassification(config)


def vit() -> PreTrainedModel:
    """Its weights have other names in the trainer's checkpoints."""
    config = ViTConfig(
        image_size=4,
        patch_size=2,
        num_channels=1,
        hidden_dropout_prob=0.1,
        **SIZES,  # type: ignore[arg-type]
    )
    return ViTForImageClassification(config)


def rows(model: PreTrainedModel, count: int) -> Any:
    draw = torch.Generator().manual_seed(count)
    labels = torch.arange(count) % 3
    dataset: Any = StackDataset  # of tensors, too, whatever its types say
    if isinstance(model, BertForSequenceClassification):
        words = torch.randint(0, 9, (count, 6), generator=draw)
        return dataset(input_ids=words, labels=labels)
    pixels = torch.randn(count, 1, 4, 4, generator=draw) + labels[:, None, None, None]
    return dataset(pixel_values=pixels, labels=labels)


class Log(TrainerCallback):
    """Writes down each step."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.log.append("step")


def script(
    log: list[str],
    make: Callable[[], PreTrainedModel] = bert,
    callbacks: Callable[[], list[TrainerCallback]] = list,
    objective: str = "min eval_loss",
    **options: Any,
) -> Script:
    """A task of 5 epochs of 4 steps."""

    def train(config: Space, trial: Trial) -> None:
        arguments: dict[str, Any] = {
            "output_dir": str(trial.folder),
            "num_train_epochs": 5,
            "learning_rate": config.lr,
            "eval_strategy": "epoch",
            "seed": trial.seed,
            "use_cpu": True,
            "report_to": "none",
            "disable_tqdm": True,
        }
        model, callback = make(), TrialCallback(trial)
        trainer = Trainer(
            model,
            TrainingArguments(**arguments | options),
            train_dataset=rows(model, 32),
            eval_dataset=rows(model, 12),
            callbacks=[callback, Log(log), *callbacks()],
        )
        trainer.train(resume_from_checkpoint=callback.checkpoint)
        log.append("returned")

    functions = SimpleNamespace(train=train, Space=Space, objective=objective)
    found = describe_functions(functions, "m", "", place="m", name="m", origin="m")
    return Script(found, functions)


def start(task: Script) -> ScriptTraining:
    return task.start(Space(), [task.load(None, None)], seed=1, device=CPU)


def losses(curve: list[dict[str, float]]) -> list[float]:
    """The other metrics are about time."""
    return [epoch["eval_loss"] for epoch in curve]


Train = Callable[..., list[dict[str, float]]]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity(logging.ERROR)
    yield
    transformers.logging.set_verbosity(before)


@pytest.mark.parametrize("make", [bert, vit])
@pytest.mark.parametrize("after", [1, 4])
def test_a_resumed_trial_is_as_if_uninterrupted(
    train: Train, assert_same: Any, tmp_path: Path, after: int, make: Callable[[], PreTrainedModel]
) -> None:
    log: list[str] = []
    whole = start(script(log, make))
    curve = losses(train(whole))
    assert (whole.ended, whole.epoch, log.count("step")) == ("completed", 5, 20)
    assert len(set(curve)) == 5

    log.clear()
    before = start(script(log, make))
    first = train(before, after)
    save_checkpoint(tmp_path, before, {}, {})
    before.close()
    assert log == [*["step"] * 4 * after, "returned"], "it trained on after it was stopped"

    log.clear()
    again = start(script(log, make))
    load_training(tmp_path, again)
    assert losses(first + train(again)) == curve
    assert log == [*["step"] * 4 * (5 - after), "returned"]
    assert (again.ended, again.epoch) == ("completed", 5)
    assert_same(again.best_weights(), whole.best_weights())


def test_a_trial_that_has_ended_leaves_no_checkpoint_of_the_trainer(train: Train) -> None:
    training = start(script([]))
    train(training, 2)
    folder = training.folders["files"]
    assert [path.name for path in folder.glob("checkpoint-*")] == ["checkpoint-8"]
    train(training)
    assert list(folder.glob("checkpoint-*")) == []
    training.close()


def test_another_callback_stops_the_trainer(train: Train) -> None:
    training = start(
        script(
            [],
            # no epoch is better than the first by that much
            callbacks=lambda: [EarlyStoppingCallback(2, early_stopping_threshold=1e9)],
            metric_for_best_model="eval_loss",
            greater_is_better=False,
        )
    )
    assert len(train(training)) == 3
    assert (training.ended, training.epoch) == ("early_stopped", 3)


def test_the_winner_has_its_best_weights(train: Train, assert_same: Any, tmp_path: Path) -> None:
    log: list[str] = []
    # as it learns the rows by heart, which epoch is the best is settled by chance
    task = script(log, objective="max eval_loss", learning_rate=0.05)
    training = start(task)
    train(training)
    save_checkpoint(tmp_path, training, {}, {})
    assert training.best is not None
    seen: list[nn.Module] = []

    def test(config: Space, model: PreTrainedModel) -> dict[str, float]:
        seen.append(model)
        return {"loss": float(model(**rows(model, 12)[:]).loss)}

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
    assert log == [], "the winner is made again without training"
    (best,) = training.best_weights()
    assert_same(dict(seen[0].state_dict()), dict(best["modules"]["model"]))
    assert final.metrics["test_loss"] == pytest.approx(training.best.value, rel=1e-5)


def test_checkpoints_outside_of_the_trials_folder(tmp_path: Path) -> None:
    training = start(script([], output_dir=str(tmp_path)))
    with pytest.raises(CodeError, match=r"output_dir=\.\.\.\) must be trial\.folder, got"):
        training.run_epoch()


def test_a_trial_that_takes_over_a_config_is_refused(train: Train, tmp_path: Path) -> None:
    before = start(script([]))
    train(before, 1)
    save_checkpoint(tmp_path, before, {}, {})
    before.close()
    again = start(script([]))
    load_training(tmp_path, again)
    again.change(Space(lr=0.3))
    with pytest.raises(CodeError, match="can't go on with another config, as PBT asks it to"):
        again.run_epoch()
