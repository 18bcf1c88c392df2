"""Hyperparameters of the image classifier with attention over rows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.augmentation import Augmentation
from tuneyard.spaces.fields.encoder import TransformerSpace
from tuneyard.spaces.fields.image_data import IMAGE_DATA
from tuneyard.spaces.fields.optimizers import Adam, AdamW
from tuneyard.spaces.fields.schedules import Constant, Cosine, OneCycle
from tuneyard.spaces.language.numeric import Float
from tuneyard.spaces.objective import Objective

LearningRate = Annotated[float, Float(3e-4, 1e-2, log=True)]
"""The range in which an encoder of this size trains well within ten epochs."""


class MnistTransformerAdam(Adam):
    """Adam in a range that suits a small encoder."""

    lr: LearningRate = 1e-3


class MnistTransformerAdamW(AdamW):
    """AdamW in a range that suits a small encoder."""

    lr: LearningRate = 1e-3


class MnistTransformerSpace(TransformerSpace):
    """Classification of images, read as sequences of 28 rows, by a Transformer encoder.

    Baseline, set by hand since the courses give no values: two layers of four heads, width 64,
    feed-forward 128, dropout 0.1; Adam 1e-3, batches of 128, 10 epochs.
    """

    augmentation: Augmentation | None = None
    optimizer: Annotated[
        MnistTransformerAdam | MnistTransformerAdamW, Field(discriminator="kind")
    ] = MnistTransformerAdam()
    schedule: Annotated[Constant | Cosine | OneCycle, Field(discriminator="kind")] = Constant()
    batch_size: Literal[64, 128, 256] = 128
    epochs: int = 10


DESCRIPTION = TaskDescription(
    name="mnist-transformer",
    space=MnistTransformerSpace,
    objective=Objective("val_accuracy", "max"),
    module="tuneyard.trainables.tasks.mnist_transformer",
    data=IMAGE_DATA,
)
