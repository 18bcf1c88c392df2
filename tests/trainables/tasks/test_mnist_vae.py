"""Tests of mnist-vae: its loss, and the metrics of configs with different KL weights."""

from typing import Any

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from tuneyard.datasets import Dataset
from tuneyard.spaces.tasks.mnist_vae import MnistVaeSpace
from tuneyard.trainables.tasks.mnist_vae import TASK, VaeProblem
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(datasets: Any) -> Dataset:
    return datasets("mnist-vae")


def made(config: MnistVaeSpace, data: Dataset) -> VaeProblem:
    torch.manual_seed(0)
    problem = TASK.problem(config, data, CPU)
    assert isinstance(problem, VaeProblem)
    return problem


@pytest.mark.parametrize("weight", [0.1, 1.0, 4.0])
def test_the_loss_equals_that_of_torchs_distributions(weight: float, data: Dataset) -> None:
    problem = made(MnistVaeSpace(code_size=5, kl_weight=weight), data)
    batch = problem.batch(torch.arange(40))
    torch.manual_seed(3)
    loss = problem.loss(batch)

    torch.manual_seed(3)
    pixels = batch["image"].flatten(1) / 255
    mean, log_variance = problem.model.encoder(pixels).chunk(2, dim=1)
    codes = Normal(mean, (log_variance / 2).exp())
    logits = problem.model.decoder(mean + codes.stddev * torch.randn(40, 5)).flatten(1)
    # grey levels are probabilities of ink, although the support of Bernoulli is 0 and 1
    likelihood = Bernoulli(logits=logits, validate_args=False).log_prob(pixels).sum(1)
    divergence = kl_divergence(codes, Normal(torch.zeros(5), torch.ones(5))).sum(1)
    expected = (weight * divergence - likelihood).mean()
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-3)


def test_metrics_are_the_elbo_at_weight_one_whatever_is_trained(data: Dataset) -> None:
    light, heavy = (
        made(MnistVaeSpace(kl_weight=weight), data).evaluate(
            made(MnistVaeSpace(), data).tensors("val")
        )
        for weight in (0.1, 4.0)
    )
    assert light == heavy
    assert light["elbo"] == -light["loss"]
    total = light["reconstruction"] + light["kl"]
    assert light["loss"].item() == pytest.approx(total.item(), rel=1e-6)
    assert light["kl"] > 0


def test_evaluation_draws_no_noise_and_training_does(data: Dataset) -> None:
    problem = made(MnistVaeSpace(), data)
    batch = problem.tensors("val")
    first, loss = problem.evaluate(batch), problem.loss(batch)
    assert problem.evaluate(batch) == first
    assert problem.loss(batch) != loss


def test_a_larger_kl_weight_moves_codes_towards_the_normal(data: Dataset) -> None:
    weighed = {}
    for weight in (0.1, 4.0):
        training = Training(TASK, MnistVaeSpace(kl_weight=weight, epochs=15), [data], seed=0)
        while training.ended is None:
            weighed[weight] = training.run_epoch()
    assert weighed[0.1]["val_kl"] > 2 * weighed[4.0]["val_kl"]
    assert weighed[0.1]["val_reconstruction"] < weighed[4.0]["val_reconstruction"]


def test_the_exported_model_generates_images_from_noise(data: Dataset) -> None:
    problem = made(MnistVaeSpace(code_size=7), data)
    module, example = problem.export()
    assert example.shape == (2, 7)
    with torch.no_grad():
        images = module(torch.randn(9, 7))
    assert images.shape == (9, 28, 28)
    assert 0 <= images.min() <= images.max() <= 255
