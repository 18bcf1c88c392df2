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
    """A stack of recurrent layers, batch first; dropout stands between layers only."""
    return _CELLS[cell](
        input_size,
        hidden_size,
        num_layers,
        batch_first=True,
        dropout=dropout if num_layers > 1 else 0.0,
        bidirectional=bidirectional,
    )


def last_states(hidden: Tensor | tuple[Tensor, Tensor], bidirectional: bool) -> Tensor:
    """The last layer's final state, both directions side by side where there are two.

    Args:
        hidden: What the layers return second: (num_layers * directions, B, hidden_size), a pair
            with the cell state for an LSTM.
        bidirectional: Whether there are two directions.

    Returns:
        (B, directions * hidden_size).
    """
    states = hidden[0] if isinstance(hidden, tuple) else hidden
    if not bidirectional:
        return states[-1]
    # one course concatenates the forward state with itself; these are both directions
    return states[-2:].transpose(0, 1).flatten(1)
