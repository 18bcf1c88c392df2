"""The recurrent layers that tasks choose from by name."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

Cell = Literal["lstm", "gru", "rnn"]

_CELLS: dict[Cell, type[nn.LSTM] | type[nn.GRU] | type[nn.RNN]] = {
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "rnn": nn.RNN,
}


def build_recurrent(
    cell: Cell,
    input_size: int,
    hidden_size: int,
    num_layers: int,
    *,
    dropout: float,
    bidirectional: bool = False,
) -> nn.RNNBase:
    """Builds a stack of recurrent layers, batch first, with dropout only between layers."""
    return _CELLS[cell](
        input_size,
        hidden_size,
        num_layers,
        batch_first=True,
        dropout=dropout if num_layers > 1 else 0.0,
        bidirectional=bidirectional,
    )


def last_states(hidden: Tensor | tuple[Tensor, Tensor], bidirectional: bool) -> Tensor:
    """The last layer's final state, with the two directions of a bidirectional one side by side.

    Args:
        hidden: The second output of the layers: (num_layers * directions, B, hidden_size), for an
            LSTM as a pair with the cell state.
        bidirectional: Whether there are two directions.

    Returns:
        (B, directions * hidden_size).
    """
    states = hidden[0] if isinstance(hidden, tuple) else hidden
    if not bidirectional:
        return states[-1]
    # unlike one of the courses, which concatenates the forward state with itself
    return states[-2:].transpose(0, 1).flatten(1)
