"""The convolutional LSTM (Shi et al., 2015) over sequences of images."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]
"""Hidden and cell state, (B, hidden, H, W) each."""


class ConvLstmCell(nn.Module):
    """An LSTM's step whose matrices are convolutions, without the paper's peepholes.

    Args:
        channels: Of the input.
        hidden: Channels of both states.
        kernel: Side of the convolutions, odd, so that height and width stay.
    """

    def __init__(self, channels: int, hidden: int, kernel: int) -> None:
        super().__init__()
        self.from_input = nn.Conv2d(channels, 4 * hidden, kernel, padding=kernel // 2)
        # one bias is enough for a sum
        self.from_hidden = nn.Conv2d(hidden, 4 * hidden, kernel, padding=kernel // 2, bias=False)

    def forward(self, gates: Tensor, state: State | None) -> State:
        """One step.

        Args:
            gates: `from_input` of the step's image, (B, 4 hidden, H, W): what goes into the input,
                forget, cell and output gate.
            state: After the step before; None means zeros.
        """
        if state is None:
            # without a state there is nothing to convolve and nothing to forget
            enter, _, candidate, leave = gates.chunk(4, dim=1)
            cell = enter.sigmoid() * candidate.tanh()
        else:
            enter, forget, candidate, leave = (gates + self.from_hidden(state[0])).chunk(4, dim=1)
            cell = forget.sigmoid() * state[1] + enter.sigmoid() * candidate.tanh()
        return leave.sigmoid() * cell.tanh(), cell


class ConvLstm(nn.Module):
    """A stack of convolutional LSTM layers.

    Args:
        channels: Of the input.
        hidden: Channels of each layer's states.
        kernel: Side of the convolutions, odd.
        num_layers: Layers.
        dropout: On each layer's outputs but the last one's.
        batch_first: Sequences are (B, T, C, H, W), else (T, B, C, H, W); as in torch's layers.
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
        """All outputs of the last layer, in the layout of the images, and each layer's last state.

        Args:
            images: Sequences of one step or more.
            states: Each layer's state before the first step; None means zeros.
        """
        # the loop takes whole steps: time comes first, so that each lies in one piece
        outputs = images.transpose(0, 1).contiguous() if self.batch_first else images
        last: list[State] = []
        for layer, module in enumerate(self.cells):
            cell = cast("ConvLstmCell", module)
            outputs = self.dropout(outputs) if layer else outputs
            # what comes from the inputs needs no step before it: one convolution for all steps
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
