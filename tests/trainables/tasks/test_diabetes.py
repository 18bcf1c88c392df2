"""Tests of diabetes: the course's network written out, and the metrics."""

from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from torch import nn

from tuneyard.datasets import Dataset
from tuneyard.spaces.fields.activations import Activation
from tuneyard.spaces.tasks.diabetes import DiabetesSpace
from tuneyard.trainables.layers.activations import build_activation
from tuneyard.trainables.tasks.diabetes import TASK
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(datasets: Any) -> Dataset:
    return datasets("diabetes")


def test_training_equals_a_textbook_loop(data: Dataset) -> None:
    """The course's 8-6-4-1 with sigmoids, written out: SGD 0.1 on the full batch."""
    training = Training(TASK, DiabetesSpace(), [data], seed=4)
    history = [training.run_epoch() for _ in range(5)]

    def rows(split: Any) -> tuple[torch.Tensor, torch.Tensor]:
        index = data.splits[split]
        label = torch.tensor(data.arrays["label"][index]).float()
        return torch.tensor(data.arrays["features"][index]), label[:, None]

    torch.manual_seed(4)
    first, second, third = nn.Linear(8, 6), nn.Linear(6, 4), nn.Linear(4, 1)
    params = [p for layer in (first, second, third) for p in layer.parameters()]

    def probability(x: torch.Tensor) -> torch.Tensor:
        return third(second(first(x).sigmoid()).sigmoid()).sigmoid()

    x, y = rows("train")
    for metrics in history:
        loss = nn.functional.binary_cross_entropy(probability(x), y)
        gradients = torch.autograd.grad(loss, params)
        with torch.no_grad():
            for parameter, gradient in zip(params, gradients, strict=True):
                parameter -= 0.1 * gradient
            held_out, label = rows("val")
            answer = probability(held_out)
        assert metrics["train_loss"] == pytest.approx(loss.item(), rel=1e-6)
        expected = nn.functional.binary_cross_entropy(answer, label).item()
        assert metrics["val_loss"] == pytest.approx(expected, rel=1e-6)
        assert metrics["val_accuracy"] == ((answer > 0.5).float() == label).float().mean().item()
    for mine, plain in zip(training.problems[0].model.parameters(), params, strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-6, atol=1e-7)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40))
def test_auc_is_scikit_learns_with_ties(pairs: list[tuple[bool, int]]) -> None:
    labels = np.array([label for label, _ in pairs])
    if labels.all() or not labels.any():
        return

    class Given(nn.Module):
        def forward(self, features: torch.Tensor) -> torch.Tensor:
            return features[:, 0]

    scores = torch.tensor([[float(score)] for _, score in pairs])
    problem = TASK.problem(DiabetesSpace(), None, CPU)  # type: ignore[arg-type]
    problem.model = Given()
    metrics = problem.evaluate({"features": scores, "label": torch.tensor(labels).float()})
    assert metrics["auc"].item() == pytest.approx(roc_auc_score(labels, scores[:, 0]), abs=1e-6)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", get_args(Activation))
def test_the_exported_model_returns_probabilities(
    activation: Activation, batch_norm: bool, data: Dataset
) -> None:
    config = DiabetesSpace(
        hidden_sizes=(8, 4), activation=activation, batch_norm=batch_norm, dropout=0.3
    )
    training = Training(TASK, config, [data], seed=0)
    for _ in range(3):
        training.run_epoch()
    (problem,) = training.problems
    problem.model.eval()
    rows = data.splits["test"]
    with torch.no_grad():
        tested = problem.evaluate(problem.tensors("test"))
        module, example = problem.export()
        answer = module(torch.tensor(data.arrays["features"][rows])).numpy()
    assert example.shape == (2, 8)
    assert ((answer >= 0) & (answer <= 1)).all()
    assert ((answer > 0.5) == data.arrays["label"][rows]).mean() == pytest.approx(
        tested["accuracy"].item(), abs=1e-6
    )


@pytest.mark.parametrize("name", get_args(Activation))
def test_an_activation_is_torchs_function_of_that_name(name: Activation) -> None:
    values = torch.linspace(-3, 3, 13)
    assert torch.equal(build_activation(name)(values), getattr(nn.functional, name)(values))


@pytest.mark.parametrize(
    ("config", "layers"),
    [
        (DiabetesSpace(), ["Linear", "Sigmoid", "Linear", "Sigmoid", "Linear", "Flatten"]),
        (
            DiabetesSpace(hidden_sizes=(5,), batch_norm=True, dropout=0.2, activation="elu"),
            ["Linear", "BatchNorm1d", "ELU", "Dropout", "Linear", "Flatten"],
        ),
    ],
)
def test_the_layers_are_those_of_the_config(
    config: DiabetesSpace, layers: list[str], data: Dataset
) -> None:
    model = TASK.problem(config, data, CPU).model
    assert [type(layer).__name__ for layer in model.children()] == layers
