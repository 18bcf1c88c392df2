"""`AdversarialSpace`: the hyperparameters of every GAN, which the adversarial loop uses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.fields.optimizers import Adam, RMSprop
from tuneyard.spaces.fields.schedules import Constant, Cosine
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Float, Int

LearningRate = Annotated[float, Float(1e-4, 5e-3, log=True)]
"""The range in which two networks that train against each other converge, at a useful speed."""


class GanAdam(Adam):
    """Adam with less momentum than usual, since old gradients are outdated as the opponent changes.

    Radford et al., 2016, use a beta1 of 0.5.
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
"""Weight of R1, the squared gradient of the discriminator at real data; None means no penalty.

Mescheder et al., 2018, "Which training methods for GANs do actually converge?"
"""


class AdversarialSpace(TrainingSpace):
    """The base of the space of every GAN; `optimizer` is the generator's optimizer.

    Attributes:
        loss: Loss of both networks: ``non_saturating`` (Goodfellow et al., 2014, section 3) or
            ``hinge`` (Lim and Ye, 2017).
        gradient_penalty: Weight of the gradient penalty of the discriminator; None means off.
        latent_size: Length of the noise vectors that the generator reads.
        discriminator_steps: Steps of the discriminator per step of the generator.
        discriminator_optimizer: Optimizer of the discriminator, with its own kind and fields.
        schedule: Schedule of both learning rates.
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
