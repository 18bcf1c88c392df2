"""Tests of names-gru: the exported network on padded names equals the one on packed names."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from tuneyard.spaces.tasks.names_gru import NamesGruSpace
from tuneyard.trainables.layers.padded import PaddedRecurrent
from tuneyard.trainables.layers.recurrent import build_recurrent, last_states
from tuneyard.trainables.tasks.names_gru import TASK
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")
CELLS = ["lstm", "gru", "rnn"]
each_stack = pytest.mark.parametrize(
    ("cell", "num_layers", "bidirectional"), list(product(CELLS, [1, 2, 3], [False, True]))
)


@each_stack
def test_padded_layers_equal_packed_ones(cell: Any, num_layers: int, bidirectional: bool) -> None:
    torch.manual_seed(0)
    layers = build_recurrent(cell, 5, 7, num_layers, dropout=0.5, bidirectional=bidirectional)
    layers.eval()
    lengths = torch.tensor([3, 9, 1, 6, 9, 2])  # not sorted
    sequences = torch.randn(6, 9, 5)
    packed = pack_padded_sequence(sequences, lengths, batch_first=True, enforce_sorted=False)
    with torch.no_grad():
        _, hidden = layers(packed)
        expected = last_states(hidden, bidirectional)
        padded = PaddedRecurrent(layers).eval()
        torch.testing.assert_close(padded(sequences, lengths), expected)
        # the content of the padding does not matter
        sequences[0, 3:] = 99.0
        torch.testing.assert_close(padded(sequences, lengths), expected)
    assert expected.shape == (6, 7 * (1 + bidirectional))


@each_stack
def test_the_last_states_are_each_directions_own(
    cell: Any, num_layers: int, bidirectional: bool
) -> None:
    """The forward state is the one after the last step, the backward one that after the first."""
    torch.manual_seed(0)
    layers = build_recurrent(cell, 5, 7, num_layers, dropout=0.0, bidirectional=bidirectional)
    outputs, hidden = layers(torch.randn(2, 4, 5))
    states = last_states(hidden, bidirectional)
    assert torch.equal(states[:, :7], outputs[:, -1, :7])
    if bidirectional:
        assert torch.equal(states[:, 7:], outputs[:, 0, 7:])


@pytest.mark.filterwarnings("ignore:The tensor attributes")  # from torch's own recurrent layers
@pytest.mark.parametrize("cell", CELLS)
def test_padded_layers_are_exported(cell: Any) -> None:
    layers = build_recurrent(cell, 3, 4, 2, dropout=0.0, bidirectional=True)
    padded = PaddedRecurrent(layers).eval()
    auto = torch.export.Dim.AUTO
    program = torch.export.export(
        padded, (torch.randn(3, 6, 3), torch.tensor([6, 2, 4])), dynamic_shapes=[{0: auto}] * 2
    )
    sequences, lengths = torch.randn(5, 6, 3), torch.tensor([1, 6, 3, 6, 2])
    torch.testing.assert_close(program.module()(sequences, lengths), padded(sequences, lengths))


@pytest.mark.parametrize(("cell", "bidirectional"), list(product(CELLS, [False, True])))
def test_the_exported_model_predicts_as_in_the_test(
    cell: Any, bidirectional: bool, datasets: Any
) -> None:
    data = datasets("names-gru")
    config = NamesGruSpace(
        embedding_size=16, cell=cell, hidden_size=16, bidirectional=bidirectional, dropout=0.3
    )
    training = Training(TASK, config, [data], seed=0)
    training.run_epoch()
    (problem,) = training.problems
    problem.model.eval()
    rows = data.splits["test"]  # in the file's order, not by length
    with torch.no_grad():
        tested = problem.evaluate(problem.tensors("test"))
        module, example = problem.export()
        answer = module(torch.tensor(data.arrays["name"][rows].astype(np.int64)))
    label = torch.tensor(data.arrays["label"][rows])
    assert example.dtype == np.int64
    torch.testing.assert_close(answer.sum(1), torch.ones(len(rows)))
    loss = nn.functional.nll_loss(answer.log(), label)
    assert loss.item() == pytest.approx(tested["loss"].item(), rel=1e-4)
    accuracy = (answer.argmax(1) == label).float().mean()
    assert accuracy.item() == pytest.approx(tested["accuracy"].item(), abs=1e-6)


def test_dropout_is_between_layers_only() -> None:
    assert build_recurrent("gru", 3, 4, 1, dropout=0.5).dropout == 0.0
    assert build_recurrent("gru", 3, 4, 2, dropout=0.5).dropout == 0.5
