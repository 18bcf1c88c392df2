"""Tests of names-transformer: any heads fit, and the exported model is the tested one."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tuneyard.spaces.tasks.names_transformer import NamesTransformerSpace
from tuneyard.trainables.tasks.names_transformer import TASK, Classifier
from tuneyard.trainables.training.training import Training


@pytest.mark.parametrize("seed", range(20))
def test_the_width_is_divisible_by_the_heads(seed: int, random_config: Any) -> None:
    config = random_config("names-transformer", seed)
    assert config.width % config.heads == 0
    letters = torch.randint(65, 90, (2, 7))
    assert Classifier(config, 19, 18)(letters).shape == (2, 18)


@pytest.mark.parametrize("pooling", ["mean", "first", "max"])
def test_the_exported_model_predicts_as_in_the_test(pooling: Any, datasets: Any) -> None:
    data = datasets("names-transformer")
    config = NamesTransformerSpace(heads=2, head_width=8, pooling=pooling, dropout=0.3)
    training = Training(TASK, config, [data], seed=0)
    training.run_epoch()
    (problem,) = training.problems
    problem.model.eval()
    rows = data.splits["test"]  # in the file's order, not by length
    with torch.no_grad():
        tested = problem.evaluate(problem.tensors("test"))
        module, example = problem.export()
        letters = torch.tensor(data.arrays["name"][rows].astype(np.int64))
        answer = module(letters)
    label = torch.tensor(data.arrays["label"][rows])
    assert example.dtype == np.int64
    torch.testing.assert_close(answer.sum(1), torch.ones(len(rows)))
    loss = nn.functional.nll_loss(answer.log(), label)
    assert loss.item() == pytest.approx(tested["loss"].item(), rel=1e-4)
    accuracy = (answer.argmax(1) == label).float().mean()
    assert accuracy.item() == pytest.approx(tested["accuracy"].item(), abs=1e-6)
    # a name without padding has the same prediction
    length = int(data.arrays["length"][rows[0]])
    torch.testing.assert_close(module(letters[:1, :length]), answer[:1])


def test_an_empty_text_can_be_encoded() -> None:
    model = Classifier(NamesTransformerSpace(), 19, 3).eval()
    assert torch.isfinite(model(torch.zeros(2, 4, dtype=torch.int64))).all()
