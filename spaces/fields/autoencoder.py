"""`AutoencoderSpace`: the hyperparameters that plain and variational autoencoders share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.fields.activations import Activation
from tuneyard.spaces.fields.optimizers import Adam, AdamW
from tuneyard.spaces.fields.schedules import Constant, Cosine, OneCycle
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Float, Int, Length

LearningRate = Annotated[float, Float(3e-4, 1e-2, log=True)]
"""The range in which networks of this size train well within twenty epochs."""


class AutoencoderAdam(Adam):
    """Adam in a range that suits autoencoders."""

    lr: LearningRate = 1e-3
    weight_decay: None = None


class AutoencoderAdamW(AdamW):
    """AdamW in a range that suits autoencoders."""

    lr: LearningRate = 1e-3


class AutoencoderSpace(TrainingSpace):
    """The base of the spaces of image autoencoders.

    ``--data`` chooses between mnist, fashion-mnist, kmnist and digits, which needs no file.

    Attributes:
        code_size: Numbers in the code of an image.
        hidden_sizes: Units of the encoder's hidden layers; the decoder has them in reverse order.
        activation: Activation of both networks.
    """

    code_size: Annotated[int, Int(2, 64, log=True)] = 16
    hidden_sizes: Annotated[tuple[Annotated[int, Int(32, 1024, log=True)], ...], Length(1, 3)] = (
        256,
        64,
    )
    activation: Activation = "relu"
    optimizer: Annotated[AutoencoderAdam | AutoencoderAdamW, Field(discriminator="kind")] = (
        AutoencoderAdam()
    )
    schedule: Annotated[Constant | Cosine | OneCycle, Field(discriminator="kind")] = Constant()
    l1: None = None
    clip_norm: None = None
    batch_size: Literal[64, 128, 256] = 128
    epochs: int = 20
