"""Tests of `packed_gru`: the states, gradients and dropout of `nn.GRU` on packed sequences."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from tuneyard.trainables.layers.packed_gru import packed_gru
from tuneyard.trainables.layers.recurrent import last_states


def packed(lengths: list[int], width: int) -> PackedSequence:
    """Random sequences of these lengths, longest first."""
    longest_first = torch.tensor(sorted(lengths, reverse=True))
    numbers = torch.randn(len(lengths), max(lengths), width, dtype=torch.float64)
    return pack_padded_sequence(numbers, longest_first, batch_first=True)


def both(layers: nn.GRU, sequences: PackedSequence) -> list[tuple[Tensor, list[Tensor]]]:
    """PyTorch's final states and ours, each with the gradients of inputs and weights."""

    def ours(inputs: Tensor) -> Tensor:
        return packed_gru(layers, inputs, sequences.batch_sizes)

    def torchs(inputs: Tensor) -> Tensor:
        _, hidden = layers(PackedSequence(inputs, sequences.batch_sizes))
        return last_states(hidden, layers.bidirectional)

    sides = []
    for states_of in (torchs, ours):
        torch.manual_seed(1)  # for the dropout
        inputs = sequences.data.clone().requires_grad_()
        states = states_of(inputs)
        loss = (states * torch.arange(states.numel()).view_as(states).cos()).sum()
        sides.append(
            (states.detach(), list(torch.autograd.grad(loss, [inputs, *layers.parameters()])))
        )
    return sides


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=6),
    num_layers=st.integers(1, 3),
    bidirectional=st.booleans(),
    dropout=st.sampled_from([0.0, 0.4]),
)
def test_states_and_gradients_are_those_of_torch(
    lengths: list[int], num_layers: int, bidirectional: bool, dropout: float
) -> None:
    torch.manual_seed(0)
    options: dict[str, Any] = {"bidirectional": bidirectional, "dtype": torch.float64}
    layers = nn.GRU(3, 4, num_layers, dropout=dropout if num_layers > 1 else 0.0, **options)
    (expected, gradients), (states, own) = both(layers, packed(lengths, 3))
    torch.testing.assert_close(states, expected)
    torch.testing.assert_close(own, gradients)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_rows_of_a_table_are_the_same_as_the_rows_themselves(bidirectional: bool) -> None:
    torch.manual_seed(0)
    layers = nn.GRU(3, 4, 2, bidirectional=bidirectional)
    table = torch.randn(5, 3, requires_grad=True)
    lengths = torch.tensor([6, 4, 4, 1])
    letters = pack_padded_sequence(torch.randint(5, (4, 6)), lengths, batch_first=True)
    sides = []
    for states in (
        packed_gru(layers, table[letters.data], letters.batch_sizes),
        packed_gru(layers, table, letters.batch_sizes, letters.data),
    ):
        gradients = torch.autograd.grad(states.square().sum(), [table, *layers.parameters()])
        sides.append([states, *gradients])
    torch.testing.assert_close(sides[1], sides[0])
