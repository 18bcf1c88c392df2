"""`TransformerSpace`: the hyperparameters of the tasks with a Transformer encoder."""

from __future__ import annotations

from typing import Annotated, Literal

from tuneyard.spaces.fields.regularization import Dropout
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Int

Pooling = Literal["mean", "first", "max"]
Positions = Literal["sine", "learned"]


class TransformerSpace(TrainingSpace):
    """The encoder of Vaswani et al., 2017, "Attention is all you need", followed by pooling.

    Attributes:
        heads: Attention heads per layer.
        head_width: Features per head; the model's width is their product with the heads.
        num_layers: Number of layers.
        feedforward: Hidden units of a layer's feed-forward block.
        positions: Fixed sines and cosines, or one trained vector per position.
        norm: Layer norm after each residual sum (``post``), as in the paper, or before each block
            (``pre``; Xiong et al., 2020).
        pooling: How states become one state per sequence: their mean, their maximum, or the state
            of the first position.
        dropout: Dropout on the embedded sequence, on the attention weights, on the hidden units of
            the feed-forward block and on the output of each block.
    """

    heads: Literal[1, 2, 4, 8] = 4
    head_width: Annotated[int, Int(8, 32, step=8)] = 16
    num_layers: Annotated[int, Int(1, 4)] = 2
    feedforward: Annotated[int, Int(32, 512, log=True)] = 128
    positions: Positions = "sine"
    norm: Literal["post", "pre"] = "post"
    pooling: Pooling = "mean"
    dropout: Dropout = 0.1

    @property
    def width(self) -> int:
        """Features per position, d_model in the paper."""
        return self.heads * self.head_width
