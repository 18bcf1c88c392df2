"""`ImageTraining`: the training hyperparameters that the image classifiers share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.fields.augmentation import Augmentation
from tuneyard.spaces.fields.optimizers import SGD, Adam, AdamW
from tuneyard.spaces.fields.schedules import Constant, Cosine, OneCycle
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Float

LearningRate = Annotated[float, Float(3e-4, 1e-2, log=True)]
"""The range in which networks of this size train well within ten epochs."""

WeakDecay = Annotated[float, Float(1e-6, 1e-3, log=True)] | None
"""With a larger weight, the L2 penalty would outweigh the loss."""

WeakL1 = Annotated[float, Float(1e-7, 1e-5, log=True)] | None
"""With a larger weight, the L1 penalty of half a million weights would outweigh the loss."""


class ImageSGD(SGD):
    """SGD with learning rates around the course's and above."""

    lr: Annotated[float, Float(5e-3, 1e-1, log=True)] = 1e-2
    momentum: Annotated[float, Float(0.0, 0.95)] = 0.5
    weight_decay: WeakDecay = None


class ImageAdam(Adam):
    """Adam with learning rates around its usual one."""

    lr: LearningRate = 1e-3
    weight_decay: WeakDecay = None


class ImageAdamW(AdamW):
    """AdamW with learning rates around its usual one."""

    lr: LearningRate = 1e-3
    weight_decay: Annotated[float, Float(1e-4, 1e-1, log=True)] = 1e-2


class ImageTraining(TrainingSpace):
    """The base of the image classifiers' spaces, with the values that the course uses for all.

    ``--data`` chooses between mnist, fashion-mnist, kmnist and digits, which needs no file.

    Attributes:
        augmentation: Augmentation of the training images; None means none.
    """

    augmentation: Augmentation | None = None
    optimizer: Annotated[ImageSGD | ImageAdam | ImageAdamW, Field(discriminator="kind")] = (
        ImageSGD()
    )
    schedule: Annotated[Constant | Cosine | OneCycle, Field(discriminator="kind")] = Constant()
    l1: WeakL1 = None
    batch_size: Literal[32, 64, 128, 256] = 64
    epochs: int = 10
