"""The Transformer encoder (Vaswani et al., 2017), from embedded sequences to pooled states."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tuneyard.spaces.fields.encoder import Pooling, TransformerSpace


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward block, each with a residual connection and a layer norm.

    It computes the same function as `torch.nn.TransformerEncoderLayer`, which cannot be exported
    with padding, because its evaluation runs other code than its training.

    Args:
        width: The number of features per position, divisible by `heads`.
        heads: The number of attention heads.
        feedforward: The number of hidden units of the feed-forward block.
        dropout: The probability of dropout on the attention weights, on the hidden units and on the
            output of each block.
        norm_first: Whether the layer norm precedes each block, rather than follows its sum.
    """

    def __init__(
        self, width: int, heads: int, feedforward: int, *, dropout: float, norm_first: bool
    ) -> None:
        super().__init__()
        self.heads = heads
        self.norm_first = norm_first
        self.queries_values = nn.Linear(width, 2 * width)
        # a bias of the keys would add a constant to all scores of a query, which softmax ignores
        self.keys = nn.Linear(width, width, bias=False)
        self.merge = nn.Linear(width, width)
        self.expand = nn.Linear(width, feedforward)
        self.contract = nn.Linear(feedforward, width)
        self.attention_norm = nn.LayerNorm(width)
        self.feedforward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, present: Tensor | None) -> Tensor:
        """Applies the layer.

        Args:
            states: (B, T, width).
            present: (B, T) bool, False for padding; None means no padding. Each sequence has at
                least one position that is present.

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
            self._split_heads(queries),
            self._split_heads(self.keys(states)),
            self._split_heads(values),
            attn_mask=None if present is None else present[:, None, None, :],
            dropout_p=self.dropout.p if self.training else 0.0,
        )
        merged: Tensor = self.dropout(self.merge(attended.transpose(1, 2).flatten(2)))
        return merged

    def _split_heads(self, states: Tensor) -> Tensor:
        """Reshapes (B, T, width) to (B, heads, T, head width)."""
        heads: Tensor = states.unflatten(2, (self.heads, -1)).transpose(1, 2)
        return heads

    def _transform(self, states: Tensor) -> Tensor:
        hidden = self.dropout(self.expand(states).relu())
        transformed: Tensor = self.dropout(self.contract(hidden))
        return transformed


class Encoder(nn.Module):
    """Maps embedded sequences (B, T, width) to one pooled state per sequence, (B, width).

    Args:
        config: The sizes, and the kinds of positions, norm and pooling.
        longest: The number of positions of the longest sequence.
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
        # if norms precede the blocks, the last sum is not normalized yet
        self.norm = nn.LayerNorm(config.width) if norm_first else nn.Identity()
        self.pooling = config.pooling

    def forward(self, embedded: Tensor, present: Tensor | None = None) -> Tensor:
        """Encodes and pools the sequences.

        Args:
            embedded: (B, T, width), with T at most `longest`.
            present: (B, T) bool, False for padding; None means no padding. The first position of
                each sequence must be present.
        """
        states = self.dropout(embedded + self.positions[: embedded.shape[1]])
        for layer in self.layers:
            states = layer(states, present)
        return pool(self.norm(states), present, self.pooling)


def pool(states: Tensor, present: Tensor | None, pooling: Pooling) -> Tensor:
    """Pools states (B, T, width) to (B, width), without positions where `present` is False."""
    if pooling == "first":
        return states[:, 0]
    if present is None:
        return states.mean(1) if pooling == "mean" else states.amax(1)
    kept = present[..., None]
    if pooling == "max":
        return states.masked_fill(~kept, -math.inf).amax(1)
    return states.masked_fill(~kept, 0.0).sum(1) / kept.sum(1)


def sine_positions(longest: int, width: int) -> Tensor:
    """Alternating sines and cosines (longest, width), in [-1, 1], section 3.5; `width` is even."""
    places = torch.arange(longest)[:, None]
    frequencies = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    angles = places * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)
