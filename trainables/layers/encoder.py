"""The Transformer encoder (Vaswani et al., 2017), from embedded sequences to one state each."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tuneyard.spaces.fields.encoder import Pooling, TransformerSpace


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward part, each with a residual sum and a layer norm.

    The numbers are those of `torch.nn.TransformerEncoderLayer`, whose evaluation takes another way
    than its training and can't be exported with padding.

    Args:
        width: Features of a position, divisible by `heads`.
        heads: Attention heads.
        feedforward: Units of the feed-forward part.
        dropout: On the attention, in the feed-forward part and before each sum.
        norm_first: The layer norm stands before each part, not after its sum.
    """

    def __init__(
        self, width: int, heads: int, feedforward: int, *, dropout: float, norm_first: bool
    ) -> None:
        super().__init__()
        self.heads = heads
        self.norm_first = norm_first
        self.queries_values = nn.Linear(width, 2 * width)
        # a bias would add one number to all scores of a query, which the softmax takes away
        self.keys = nn.Linear(width, width, bias=False)
        self.merge = nn.Linear(width, width)
        self.expand = nn.Linear(width, feedforward)
        self.contract = nn.Linear(feedforward, width)
        self.attention_norm = nn.LayerNorm(width)
        self.feedforward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, present: Tensor | None) -> Tensor:
        """One layer.

        Args:
            states: (B, T, width).
            present: (B, T) bool, False where a position is padding; None where none is. Each
                sequence has one position or more.

        Returns:
            (B, T, width).
        """
        if self.norm_first:
            states = states + self._attend(self.attention_norm(states), present)
            return states + self._transform(self.feedforward_norm(states))
        states = self.attention_norm(states + self._attend(states, present))
        out: Tensor = self.feedforward_norm(states + self._transform(states))
        return out

    def _attend(self, states: Tensor, present: Tensor | None) -> Tensor:
        queries, values = self.queries_values(states).chunk(2, dim=2)
        attended = nn.functional.scaled_dot_product_attention(
            self._by_head(queries),
            self._by_head(self.keys(states)),
            self._by_head(values),
            attn_mask=None if present is None else present[:, None, None, :],
            dropout_p=self.dropout.p if self.training else 0.0,
        )
        merged: Tensor = self.dropout(self.merge(attended.transpose(1, 2).flatten(2)))
        return merged

    def _by_head(self, states: Tensor) -> Tensor:
        """(B, T, width) to (B, heads, T, head width)."""
        by_head: Tensor = states.unflatten(2, (self.heads, -1)).transpose(1, 2)
        return by_head

    def _transform(self, states: Tensor) -> Tensor:
        hidden = self.dropout(self.expand(states).relu())
        transformed: Tensor = self.dropout(self.contract(hidden))
        return transformed


class Encoder(nn.Module):
    """Embedded sequences (B, T, width) to one state each (B, width).

    Args:
        config: Shape, positions, norm, dropout and pooling.
        longest: Positions of the longest sequence.
    """

    positions: Tensor

    def __init__(self, config: TransformerSpace, longest: int) -> None:
        super().__init__()
        norm_first = config.norm == "pre"
        if config.positions == "learned":
            self.positions = nn.Parameter(torch.randn(longest, config.width))
        else:
            self.register_buffer("positions", sine_positions(longest, config.width))
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(
            EncoderLayer(
                config.width,
                config.heads,
                config.feedforward,
                dropout=config.dropout,
                norm_first=norm_first,
            )
            for _ in range(config.num_layers)
        )
        # with norms before the parts nothing has normalised the last sum
        self.norm = nn.LayerNorm(config.width) if norm_first else nn.Identity()
        self.pooling = config.pooling

    def forward(self, embedded: Tensor, present: Tensor | None = None) -> Tensor:
        """One state a sequence.

        Args:
            embedded: (B, T, width), T at most `longest`.
            present: (B, T) bool, False where a position is padding; None where none is. The first
                position of each sequence is present.
        """
        states = self.dropout(embedded + self.positions[: embedded.shape[1]])
        for layer in self.layers:
            states = layer(states, present)
        return pool(self.norm(states), present, self.pooling)


def pool(states: Tensor, present: Tensor | None, pooling: Pooling) -> Tensor:
    """(B, T, width) to (B, width); padding, (B, T) bool False, has no split in it."""
    if pooling == "first":
        return states[:, 0]
    if present is None:
        return states.mean(1) if pooling == "mean" else states.amax(1)
    there = present[..., None]
    if pooling == "max":
        return states.masked_fill(~there, -math.inf).amax(1)
    return states.masked_fill(~there, 0.0).sum(1) / there.sum(1)


def sine_positions(longest: int, width: int) -> Tensor:
    """(longest, width) sines and cosines in [-1, 1] in turn, section 3.5; `width` is even."""
    places = torch.arange(longest)[:, None]
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    return torch.stack([(places * rates).sin(), (places * rates).cos()], dim=2).flatten(1)
