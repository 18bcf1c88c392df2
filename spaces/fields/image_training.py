"""What the spaces of the image classifiers share: how they are trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.fields.augmentation import Augmentation
from tuneyard.spaces.fields.optimizers import SGD, Adam, AdamW
from tuneyard.spaces.fields.schedules import Constant, Cosine, OneCycle
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Float

LearningRate = Annotated[float, Float(3e-4, 1e-2, log=True)]
"""Where ten epochs are neither too few nor too wild for networks of this size."""

WeakDecay = Annotated[float, Float(1e-6, 1e-3, log=True)] | None
"""L2 of more than this outweighs the loss."""

WeakL1 = Annotated[float, Float(1e-7, 1e-5, log=True)] | None
"""With half a million weights, more than this outweighs the loss."""


class ImageSGD(SGD):
    """SGD from the course's learning rate upwards."""

    lr: Annotated[float, Float(5e-3, 1e-1, log=True)] = 1e-2
    momentum: Annotated[float, Float(0.0, 0.95)] = 0.5
    weight_decay: WeakDecay = None


class ImageAdam(Adam):
    """Adam around its usual learning rate."""

    lr: LearningRate = 1e-3
    weight_decay: WeakDecay = None


class ImageAdamW(AdamW):
    """AdamW around its usual learning rate."""

    lr: LearningRate = 1e-3
    weight_decay: Annotated[float, Float(1e-4, 1e-1, log=True)] = 1e-2


class ImageTraining(TrainingSpace):
    """Base of the image classifiers' spaces, with the course's values for all of its networks.

    ``--data`` chooses between mnist, fashion-mnist, kmnist and digits, which needs no file.

    Attributes:
        augmentation: Of the training images; None means off.
    """

    augmentation: Augmentation | None = None
    optimizer: Annotated[ImageSGD | ImageAdam | ImageAdamW, Field(discriminator="kind")] = (
        ImageSGD()
    )
    schedule: Annotated[Constant | Cosine | OneCycle, Field(discriminator="kind")] = Constant()
    l1: WeakL1 = None
    batch_size: Literal[32, 64, 128, 256] = 64
    epochs: int = 10
