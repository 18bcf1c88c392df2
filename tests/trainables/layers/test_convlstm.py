"""Tests of the convolutional LSTM: torch's LSTM on single pixels, layouts, and kept states."""

from itertools import product

import pytest
import torch
from torch import nn

from tuneyard.trainables.layers.convlstm import ConvLstm


@pytest.mark.parametrize("num_layers", [1, 3])
def test_on_single_pixels_it_equals_torchs_lstm(num_layers: int) -> None:
    torch.manual_seed(0)
    mine, theirs = ConvLstm(3, 5, 1, num_layers), nn.LSTM(3, 5, num_layers)
    for layer, cell in enumerate(mine.cells):
        weights = {name: getattr(theirs, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh")}
        bias = getattr(theirs, f"bias_ih_l{layer}") + getattr(theirs, f"bias_hh_l{layer}")
        cell.load_state_dict(
            {
                "from_input.weight": weights["weight_ih"][..., None, None],
                "from_input.bias": bias,
                "from_hidden.weight": weights["weight_hh"][..., None, None],
            }
        )
    sequences = torch.randn(7, 2, 3)
    expected, (hidden, memory) = theirs(sequences)
    outputs, last = mine(sequences[..., None, None])
    torch.testing.assert_close(outputs[..., 0, 0], expected)
    for layer, (one, other) in enumerate(last):
        torch.testing.assert_close(one[..., 0, 0], hidden[layer])
        torch.testing.assert_close(other[..., 0, 0], memory[layer])


@pytest.mark.parametrize(("kernel", "num_layers"), list(product([1, 3, 5], [1, 2])))
def test_both_layouts_give_the_same(kernel: int, num_layers: int) -> None:
    torch.manual_seed(0)
    time_first = ConvLstm(2, 4, kernel, num_layers)
    batch_first = ConvLstm(2, 4, kernel, num_layers, batch_first=True)
    batch_first.load_state_dict(time_first.state_dict())
    images = torch.randn(6, 3, 2, 8, 9)  # (T, B, C, H, W)
    outputs, last = time_first(images)
    turned, same = batch_first(images.transpose(0, 1))
    assert outputs.shape == (6, 3, 4, 8, 9)
    assert turned.shape == (3, 6, 4, 8, 9)
    torch.testing.assert_close(turned.transpose(0, 1), outputs)
    torch.testing.assert_close(last, same)
    torch.testing.assert_close(last[-1][0], outputs[-1])


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_sequence_can_be_processed_in_pieces(batch_first: bool) -> None:
    torch.manual_seed(0)
    layers = ConvLstm(2, 4, 3, 2, batch_first=batch_first)
    images = torch.randn(3, 5, 2, 6, 6)
    time = 1 if batch_first else 0
    whole, last = layers(images)
    begun, states = layers(images.narrow(time, 0, 2))
    rest, after = layers(images.narrow(time, 2, images.shape[time] - 2), states)
    torch.testing.assert_close(torch.cat([begun, rest], time), whole)
    torch.testing.assert_close(after, last)


def test_later_frames_do_not_change_earlier_outputs() -> None:
    torch.manual_seed(0)
    layers = ConvLstm(1, 3, 3, 2)
    images = torch.randn(6, 2, 1, 5, 5)
    changed = images.clone()
    changed[4:] = 9.0
    before, after = layers(images)[0], layers(changed)[0]
    torch.testing.assert_close(after[:4], before[:4])
    assert not torch.allclose(after[4], before[4])


def test_a_step_depends_on_pixels_within_its_kernel() -> None:
    torch.manual_seed(0)
    layers = ConvLstm(1, 3, 3)
    images = torch.zeros(1, 1, 1, 9, 9)
    lit = images.clone()
    lit[..., 4, 4] = 1.0
    changed = (layers(images)[0] != layers(lit)[0]).any(dim=2)[0, 0]
    assert changed.nonzero().min(0).values.tolist() == [3, 3]
    assert changed.nonzero().max(0).values.tolist() == [5, 5]
