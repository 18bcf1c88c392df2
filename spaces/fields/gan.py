"""`AdversarialSpace`: what the adversarial loop reads from the config of every GAN."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.fields.optimizers import Adam, RMSprop
from tuneyard.spaces.fields.schedules import Constant, Cosine
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Float, Int

LearningRate = Annotated[float, Float(1e-4, 5e-3, log=True)]
"""Where two networks that chase each other neither crawl nor circle."""


class GanAdam(Adam):
    """Adam with less momentum than elsewhere: an opponent that moves makes old gradients wrong.

    Radford et al., 2016, take 0.5.
    """

    lr: LearningRate = 1e-3
    beta1: Annotated[float, Float(0.0, 0.9)] = 0.5
    weight_decay: None = None


class GanRMSprop(RMSprop):
    """RMSprop without momentum, as Arjovsky et al., 2017, use it."""

    lr: LearningRate = 1e-3
    alpha: Annotated[float, Float(0.9, 0.999)] = 0.99
    momentum: float = 0.0
    centered: Literal[False] = False
    weight_decay: None = None


GanOptimizer = Annotated[GanAdam | GanRMSprop, Field(discriminator="kind")]

GradientPenalty = Annotated[float, Float(1e-3, 10.0, log=True)] | None
"""Weight of R1, the squared gradient of the discriminator at real data; None means off.

Mescheder et al., 2018, "Which training methods for GANs do actually converge?"
"""


class AdversarialSpace(TrainingSpace):
    """Base of every GAN's space; `optimizer` is the generator's.

    Attributes:
        loss: ``non_saturating`` (Goodfellow et al., 2014, section 3) or ``hinge`` (Lim and Ye,
            2017), for both networks.
        gradient_penalty: Of the discriminator.
        latent_size: Length of the noise that the generator starts from.
        discriminator_steps: Steps of the discriminator to one of the generator.
        discriminator_optimizer: It has its own kind and fields.
        schedule: Of both learning rates.
    """

    loss: Literal["non_saturating", "hinge"] = "non_saturating"
    gradient_penalty: GradientPenalty = None
    latent_size: Annotated[int, Int(2, 64, log=True)] = 16
    discriminator_steps: Annotated[int, Int(1, 5)] = 1
    optimizer: GanOptimizer = GanAdam()
    discriminator_optimizer: GanOptimizer = GanAdam()
    schedule: Annotated[Constant | Cosine, Field(discriminator="kind")] = Constant()
    l1: None = None
    clip_norm: None = None
