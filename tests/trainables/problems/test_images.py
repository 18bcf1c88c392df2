"""Tests of the image problems: scaling, augmentation in training only, evaluation in chunks."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tuneyard.datasets import DataError, Dataset, images
from tuneyard.spaces import SpaceError
from tuneyard.spaces.fields.augmentation import Augmentation
from tuneyard.spaces.tasks.mnist_mlp import MnistMlpSpace
from tuneyard.trainables.problems import images as shared
from tuneyard.trainables.problems.images import ClassificationProblem, chunks, mean_and_deviation
from tuneyard.trainables.tasks.mnist_mlp import TASK
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(datasets: Any) -> Dataset:
    return datasets("mnist-mlp")


def problem(data: Dataset, augmentation: Augmentation | None = None) -> ClassificationProblem:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    return ClassificationProblem(model, data, CPU, augmentation)


def test_the_train_splits_pixels_have_mean_0_and_deviation_1(data: Dataset) -> None:
    pixels = data.arrays["image"][data.splits["train"]] / 255
    mean, std = mean_and_deviation(data)
    assert mean == pytest.approx(pixels.mean(), rel=1e-6)
    assert std == pytest.approx(pixels.std(), rel=1e-6)


def test_mnist_is_scaled_as_in_the_course(data_dir: Any) -> None:
    mean, std = mean_and_deviation(images.load("mnist", data_dir))
    assert (round(mean, 3), round(std, 3)) == (0.131, 0.308)


def test_images_of_a_single_grey_are_scaled_to_0() -> None:
    data = Dataset(
        name="grey",
        arrays={
            "image": np.full((9, 28, 28), 7, dtype=np.uint8),
            "label": np.zeros(9, dtype=np.int64),
        },
        splits={"train": np.arange(3), "val": np.arange(3, 6), "test": np.arange(6, 9)},
        classes=("a",),
        stratify="label",
        source="package",
    )
    mean, std = mean_and_deviation(data)
    assert (mean, std) == (pytest.approx(7 / 255), pytest.approx(1.0))


def test_images_stay_bytes_on_the_device(data: Dataset) -> None:
    batch = problem(data).tensors("train")
    assert batch["image"].dtype == torch.uint8
    assert batch["image"].shape == (len(data.splits["train"]), 1, 28, 28)
    assert batch["label"].dtype == torch.int64


def test_augmentation_applies_to_training_only(data: Dataset) -> None:
    one = problem(data, Augmentation(noise=0.3))
    batch = one.tensors("val")
    plain = batch["image"] / 255
    one.model.eval()
    torch.testing.assert_close(one.pixels(batch), plain)
    one.model.train()
    assert not torch.allclose(one.pixels(batch), plain)


def test_augmented_training_continues_exactly(data: Dataset, train: Any, assert_same: Any) -> None:
    how = Augmentation(horizontal_flip=True, rotation=10, scaling=0.1, shift=2, noise=0.1)
    config = MnistMlpSpace(hidden_sizes=(32,), epochs=4, augmentation=how)
    whole = Training(TASK, config, [data], seed=3)
    history = train(whole)
    begun = Training(TASK, config, [data], seed=3)
    first = train(begun, 2)
    other = Training(TASK, config, [data], seed=4)
    other.load_state_dict(begun.state_dict())
    assert [*first, *train(other)] == history
    assert_same(other.state_dict(), whole.state_dict())
    plain = config.model_copy(update={"augmentation": None})
    assert train(Training(TASK, plain, [data], seed=3)) != history


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_chunks_give_the_metrics_of_the_whole_split(
    size: int, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = problem(data)
    one.model.eval()
    batch = one.tensors("val")
    with torch.no_grad():
        logits = one.logits(batch)
        monkeypatch.setattr(shared, "CHUNK", size)
        metrics = one.evaluate(batch)
    assert sum(len(chunk["label"]) for chunk in chunks(batch)) == len(batch["label"])
    expected = nn.functional.cross_entropy(logits, batch["label"])
    torch.testing.assert_close(metrics["loss"], expected)
    right = (logits.argmax(1) == batch["label"]).float().mean()
    torch.testing.assert_close(metrics["accuracy"], right)


def test_the_exported_model_reads_bytes(data: Dataset) -> None:
    one = problem(data)
    one.model.eval()
    with torch.no_grad():
        expected = one.logits(one.tensors("train")).softmax(1)
    module, example = one.export()
    assert (example.shape, example.dtype) == ((2, 28, 28), np.uint8)
    raw = torch.tensor(data.arrays["image"][data.splits["train"]])
    torch.testing.assert_close(module(raw), expected)


def test_the_choice_of_data() -> None:
    assert TASK.description.data == ("mnist", "fashion-mnist", "kmnist", "digits")
    assert TASK.load(None, "digits").name == "digits"
    with pytest.raises(SpaceError) as error:
        TASK.description.check_data("cifar")
    assert str(error.value) == (
        "data must be one of mnist, fashion-mnist, kmnist, digits, got 'cifar'"
    )
    for choice in TASK.description.data:
        TASK.description.check_data(choice)


def test_a_missing_folder(tmp_path: Any) -> None:
    with pytest.raises(DataError, match="--data-dir must be a folder that exists"):
        TASK.load(tmp_path / "gone", "kmnist")
