"""Tests of mnist-autoencoder: training as in a textbook, and the metrics."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tuneyard.datasets import Dataset
from tuneyard.spaces.fields.autoencoder import AutoencoderAdam
from tuneyard.spaces.tasks.mnist_autoencoder import MnistAutoencoderSpace
from tuneyard.trainables.tasks.mnist_autoencoder import TASK
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(datasets: Any) -> Dataset:
    return datasets("mnist-autoencoder")


@pytest.mark.parametrize("reconstruction", ["bce", "mse"])
def test_training_equals_a_textbook_loop(reconstruction: Any, data: Dataset) -> None:
    config = MnistAutoencoderSpace(reconstruction=reconstruction, epochs=2)
    training = Training(TASK, config, [data], seed=1)
    history = [training.run_epoch() for _ in range(2)]

    torch.manual_seed(1)
    encoder = [nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 16)]
    decoder = [nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 784)]
    network = nn.Sequential(*encoder, *decoder, nn.Sigmoid())
    optimizer = torch.optim.Adam(network.parameters())
    order = torch.Generator().manual_seed(1)

    def images(split: Any) -> torch.Tensor:
        return torch.tensor(data.arrays["image"][data.splits[split]]).flatten(1) / 255

    train, held_out = images("train"), images("val")
    bce, mse = nn.functional.binary_cross_entropy, nn.functional.mse_loss
    for metrics in history:
        for rows in torch.randperm(len(train), generator=order).split(128):
            optimizer.zero_grad()
            loss = (bce if reconstruction == "bce" else mse)(network(train[rows]), train[rows])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            back = network(held_out)
        assert metrics["val_mse"] == pytest.approx(mse(back, held_out).item(), rel=1e-4)
        assert metrics["val_bce"] == pytest.approx(bce(back, held_out).item(), rel=1e-4)
        assert metrics["val_loss"] == metrics[f"val_{reconstruction}"]


def test_the_exported_model_returns_grey_levels_like_those_it_reads(data: Dataset) -> None:
    config = MnistAutoencoderSpace(
        hidden_sizes=(256,), optimizer=AutoencoderAdam(lr=3e-3), batch_size=64, epochs=60
    )
    training = Training(TASK, config, [data], seed=0)
    while training.ended is None:
        metrics = training.run_epoch()
    module, example = training.problems[0].export()
    assert (example.shape, example.dtype) == ((2, 28, 28), np.uint8)
    image = data.arrays["image"][data.splits["val"]]
    with torch.no_grad():
        back = module(torch.tensor(image)).numpy()
    assert back.shape == image.shape
    assert 0 <= back.min() < 10 < 100 < back.max() <= 255
    error = np.square((back - image) / 255.0).mean()
    assert error == pytest.approx(metrics["val_mse"], rel=1e-4)
    # better than the mean image
    assert error < 0.5 * (image / 255).var(axis=0).mean()
