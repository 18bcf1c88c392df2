"""Recurrent layers over zero-padded sequences without packing, which `torch.export` refuses."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class PaddedRecurrent(nn.Module):
    """The same function as a stack of recurrent layers on packed sequences, with its weights.

    A backward direction runs forward over each sequence after it is reversed within its length.

    Args:
        layers: The trained stack, batch first.
    """

    def __init__(self, layers: nn.RNNBase) -> None:
        super().__init__()
        suffixes = ["", "_reverse"] if layers.bidirectional else [""]
        self.directions = len(suffixes)
        self.cells = nn.ModuleList(
            _one_layer(layers, f"_l{level}{suffix}")
            for level in range(layers.num_layers)
            for suffix in suffixes
        )

    def forward(self, sequences: Tensor, lengths: Tensor) -> Tensor:
        """The final states of the last layer, both directions side by side.

        Args:
            sequences: (B, T, input_size).
            lengths: (B,), each in [1, T].

        Returns:
            (B, directions * hidden_size).
        """
        steps = torch.arange(sequences.shape[1], device=sequences.device)[None, :]
        last = (lengths - 1)[:, None]
        reversed_steps = torch.where(steps <= last, last - steps, steps)
        for level in range(0, len(self.cells), self.directions):
            outputs = [self.cells[level](sequences)[0]]
            if self.directions == 2:
                backward = self.cells[level + 1](_take(sequences, reversed_steps))[0]
                outputs.append(_take(backward, reversed_steps))
            sequences = torch.cat(outputs, dim=-1)
        ends = [_take(outputs[0], last)[:, 0], *(output[:, 0] for output in outputs[1:])]
        return torch.cat(ends, dim=-1)


def _take(sequences: Tensor, steps: Tensor) -> Tensor:
    """Selects steps (B, S) of sequences (B, T, H): (B, S, H)."""
    return sequences.gather(1, steps[..., None].expand(-1, -1, sequences.shape[2]))


def _one_layer(layers: nn.RNNBase, suffix: str) -> nn.RNNBase:
    """One direction of one layer of a stack, as a stack of its own."""
    weights = {
        name.removesuffix(suffix) + "_l0": tensor
        for name, tensor in layers.state_dict().items()
        if name.endswith(suffix) and (suffix.endswith("_reverse") or "_reverse" not in name)
    }
    width = cast("Tensor", weights["weight_ih_l0"]).shape[1]
    # each kind of cell has its own __init__(input_size, hidden_size); the base class has another
    cell = type(layers)(width, layers.hidden_size, batch_first=True)  # type: ignore[arg-type, call-arg]
    cell.load_state_dict(weights)
    return cell
