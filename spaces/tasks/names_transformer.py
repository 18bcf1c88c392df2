"""Hyperparameters of the surname classifier with attention."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.encoder import TransformerSpace
from tuneyard.spaces.fields.optimizers import Adam, AdamW
from tuneyard.spaces.fields.schedules import Constant, Cosine, OneCycle
from tuneyard.spaces.language.numeric import Float
from tuneyard.spaces.objective import Objective

LearningRate = Annotated[float, Float(3e-4, 1e-2, log=True)]
"""The range in which an encoder of this size trains well within 30 epochs."""


class NamesTransformerAdam(Adam):
    """Adam in a range that suits a small encoder."""

    lr: LearningRate = 1e-3


class NamesTransformerAdamW(AdamW):
    """AdamW in a range that suits a small encoder."""

    lr: LearningRate = 1e-3


class NamesTransformerSpace(TransformerSpace):
    """Classification of surnames by country with a Transformer encoder over their letters.

    Baseline, set by hand since the courses give no values: two layers of four heads, width 64,
    feed-forward 128, dropout 0.1; Adam 1e-3, batches of 256 and 30 epochs as for names-gru.
    """

    optimizer: Annotated[
        NamesTransformerAdam | NamesTransformerAdamW, Field(discriminator="kind")
    ] = NamesTransformerAdam()
    schedule: Annotated[Constant | Cosine | OneCycle, Field(discriminator="kind")] = Constant()
    batch_size: Literal[64, 128, 256, 512] = 256
    epochs: int = 30


DESCRIPTION = TaskDescription(
    name="names-transformer",
    space=NamesTransformerSpace,
    objective=Objective("val_accuracy", "max"),
    module="tuneyard.trainables.tasks.names_transformer",
)
