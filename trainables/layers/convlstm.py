"""The convolutional LSTM (Shi et al., 2015) over sequences of images."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]
"""Hidden and cell state, (B, hidden, H, W) each."""


class ConvLstmCell(nn.Module):
    """A step of an LSTM with convolutions for matrices, without the paper's peephole connections.

    Args:
        channels: The channels of the input.
        hidden: The channels of the hidden and the cell state.
        kernel: The size of the kernels, odd, so that height and width do not change.
    """

    def __init__(self, channels: int, hidden: int, kernel: int) -> None:
        super().__init__()
        self.from_input = nn.Conv2d(channels, 4 * hidden, kernel, padding=kernel // 2)
        # the other convolution has the bias of their sum
        self.from_hidden = nn.Conv2d(hidden, 4 * hidden, kernel, padding=kernel // 2, bias=False)

    def forward(self, gates: Tensor, state: State | None) -> State:
        """Computes the states after one step.

        Args:
            gates: `from_input` of the step's image, (B, 4 hidden, H, W): the contribution of the
                input to the input, forget, cell and output gates.
            state: The states after the previous step; None means zeros.
        """
        if state is None:
            # with a state of zeros, the second convolution and the forget gate have no effect
            input_gate, _, candidate, output_gate = gates.chunk(4, dim=1)
            cell = input_gate.sigmoid() * candidate.tanh()
        else:
            mixed = gates + self.from_hidden(state[0])
            input_gate, forget_gate, candidate, output_gate = mixed.chunk(4, dim=1)
            cell = forget_gate.sigmoid() * state[1] + input_gate.sigmoid() * candidate.tanh()
        return output_gate.sigmoid() * cell.tanh(), cell


class ConvLstm(nn.Module):
    """A stack of convolutional LSTM layers.

    Args:
        channels: The channels of the input.
        hidden: The channels of each layer's states.
        kernel: The size of the kernels, odd.
        num_layers: The number of layers.
        dropout: The probability of the dropout on the outputs of all layers but the last.
        batch_first: Whether sequences are (B, T, C, H, W) rather than (T, B, C, H, W), as for
            torch's recurrent layers.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        kernel: int,
        num_layers: int = 1,
        *,
        dropout: float = 0.0,
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        self.cells = nn.ModuleList(
            ConvLstmCell(hidden if layer else channels, hidden, kernel)
            for layer in range(num_layers)
        )
        self.dropout = nn.Dropout(dropout)
        self.batch_first = batch_first

    def forward(
        self, images: Tensor, states: list[State] | None = None
    ) -> tuple[Tensor, list[State]]:
        """The outputs of the last layer, in the layout of the input, and each layer's last states.

        Args:
            images: Sequences of at least one step.
            states: The states of each layer before the first step; None means zeros.
        """
        # time comes first, so that each step is contiguous in memory
        outputs = images.transpose(0, 1).contiguous() if self.batch_first else images
        last: list[State] = []
        for layer, module in enumerate(self.cells):
            cell = cast("ConvLstmCell", module)
            outputs = self.dropout(outputs) if layer else outputs
            # the inputs' contribution does not depend on earlier steps: one convolution for all
            gates = cell.from_input(outputs.flatten(0, 1)).unflatten(0, outputs.shape[:2])
            state = states[layer] if states is not None else None
            steps: list[Tensor] = []
            for step in gates.unbind(0):
                state = cell(step, state)
                steps.append(state[0])
            assert state is not None, "a sequence has one step or more"
            last.append(state)
            outputs = torch.stack(steps)
        return (outputs.transpose(0, 1) if self.batch_first else outputs), last
