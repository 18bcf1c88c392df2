"""What the spaces of the tasks with a Transformer encoder share."""

from __future__ import annotations

from typing import Annotated, Literal

from tuneyard.spaces.fields.regularization import Dropout
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Int

Pooling = Literal["mean", "first", "max"]
Positions = Literal["sine", "learned"]


class TransformerSpace(TrainingSpace):
    """The encoder of Vaswani et al., 2017, "Attention is all you need", and how it is pooled.

    Attributes:
        heads: Attention heads of a layer.
        head_width: Features of a head, so that the model's width is divisible by the heads.
        num_layers: Layers.
        feedforward: Units between the two linear maps of a layer's feed-forward part.
        positions: Fixed sines and cosines, or one trained vector a position.
        norm: Layer norm after each residual sum, as in the paper, or before each part (Xiong et
            al., 2020).
        pooling: One state a sequence: the mean, the maximum, or that of the first position.
        dropout: On the embedded sequence, the attention, the feed-forward part and each part's sum.
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
        """Features of a position, d_model in the paper."""
        return self.heads * self.head_width
