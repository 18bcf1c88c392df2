"""Tests of the final model: that of the checkpoint, or after folds trained on train and val."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tuneyard.datasets import Dataset
from tuneyard.spaces.fields.optimizers import Adam
from tuneyard.spaces.fields.schedules import Cosine, ReduceOnPlateau
from tuneyard.spaces.tasks.diabetes import DiabetesSpace
from tuneyard.trainables.problem import Problem
from tuneyard.trainables.task import find_task
from tuneyard.trainables.training.checkpoint import save_checkpoint
from tuneyard.trainables.training.evaluate import FinalModel, evaluate_and_export, refit
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")
TASK = find_task("diabetes")
CONFIG = DiabetesSpace(
    hidden_sizes=(8,), dropout=0.3, optimizer=Adam(lr=0.05), batch_size=32, epochs=20
)


@pytest.fixture(scope="module")
def data(datasets: Any) -> Dataset:
    return datasets("diabetes")


def finished(data: Dataset, folder: Path, folds: int, **changed: Any) -> FinalModel:
    arguments = {"checkpoint": folder, "folds": folds, "epochs": 4, "seed": 1, "device": CPU}
    return evaluate_and_export(TASK, CONFIG, data, **(arguments | changed))


def answers(final: FinalModel, data: Dataset) -> torch.Tensor:
    with torch.no_grad():
        return final.model(torch.tensor(data.arrays["features"]))


def test_without_folds_the_model_has_the_best_weights_of_the_checkpoint(
    data: Dataset, tmp_path: Path
) -> None:
    training = Training(TASK, CONFIG, [data], seed=1)
    for _ in range(4):
        training.run_epoch()
    save_checkpoint(tmp_path, training, {}, {})
    (problem,) = training.problems
    problem.model.load_state_dict(training.best_weights()[0])
    problem.model.eval()
    with torch.no_grad():
        expected = problem.model(torch.tensor(data.arrays["features"])).sigmoid()
        tested = problem.evaluate(problem.tensors("test"))

    # neither the seed nor the epochs matter: nothing is trained
    final = finished(data, tmp_path, 1, seed=9, epochs=99)
    assert torch.equal(answers(final, data), expected)
    assert final.metrics == {f"test_{name}": value.item() for name, value in tested.items()}
    assert final.metrics.keys() == {"test_loss", "test_accuracy", "test_auc"}
    assert not final.model.training
    assert np.array_equal(final.example, data.arrays["features"][:2])


def test_with_folds_it_is_trained_on_train_and_val(data: Dataset, tmp_path: Path) -> None:
    """It equals a training of the same seed and epochs on the train and val splits together."""
    splits = data.splits
    pooled: Any = {
        "train": np.union1d(splits["train"], splits["val"]),
        "val": splits["test"][::2],
        "test": splits["test"][1::2],
    }
    reference = Training(TASK, CONFIG, [replace(data, splits=pooled)], seed=1)
    for _ in range(4):
        reference.run_epoch()
    (problem,) = reference.problems
    problem.model.eval()
    with torch.no_grad():
        expected = problem.model(torch.tensor(data.arrays["features"])).sigmoid()

    final = finished(data, tmp_path / "there is none", 3)
    assert torch.equal(answers(final, data), expected)
    label = torch.tensor(data.arrays["label"][splits["test"]])
    accuracy = ((expected[splits["test"].copy()] > 0.5) == (label > 0)).float().mean()
    assert final.metrics["test_accuracy"] == pytest.approx(accuracy.item())


@pytest.mark.parametrize("changed", [{"epochs": 5}, {"seed": 2}])
def test_it_depends_on_epochs_and_seed(
    changed: dict[str, int], data: Dataset, tmp_path: Path
) -> None:
    final, other = finished(data, tmp_path, 3), finished(data, tmp_path, 3, **changed)
    assert not torch.equal(answers(final, data), answers(other, data))


def test_the_schedule_of_a_refit_is_the_trials_up_to_the_best_epoch(data: Dataset) -> None:
    """It has the first four epochs of a cosine over twenty, not a cosine over four."""
    config = CONFIG.model_copy(update={"schedule": Cosine(), "dropout": 0.0})
    problem = refit(TASK, config, data, epochs=4, seed=1, device=CPU)
    training = Training(TASK, config, [data.pooled()], seed=1)
    loop = training._loops[0]
    for _ in range(4):
        loop.train_epoch()
        loop.end_epoch({})
    for mine, other in zip(
        problem.model.parameters(), loop.problem.model.parameters(), strict=True
    ):
        assert torch.equal(mine, other)


def test_a_refit_watches_plateaus_on_the_training_data(scripted: Any) -> None:
    """The weight falls by the rate: 1, 1, 1, then half after two epochs without a better one."""
    task = scripted(0.5)
    config = task.space(schedule=ReduceOnPlateau(factor=0.5, patience=1), epochs=9)
    problem = refit(task, config, task.load(None), epochs=6, seed=0, device=CPU)
    assert problem.model.state_dict()["weight"].item() == -(1 + 1 + 1 + 0.5 + 0.5 + 0.25)


def test_the_test_split_is_read_by_the_final_evaluation_only(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    cls = type(TASK.problem(CONFIG, data, CPU))
    original = cls.build_tensors

    def spy(self: Problem, split: Any) -> object:
        asked.append(split)
        return original(self, split)

    monkeypatch.setattr(cls, "build_tensors", spy)
    refit(TASK, CONFIG, data, epochs=2, seed=0, device=CPU)
    assert asked == ["train"]
    finished(data, tmp_path, 3)
    assert asked == ["train", "train", "test"]
