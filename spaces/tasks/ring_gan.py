"""Hyperparameters of the GAN on a ring of Gaussians."""

from __future__ import annotations

from typing import Annotated, Literal

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.gan import AdversarialSpace
from tuneyard.spaces.language.numeric import Int, Length
from tuneyard.spaces.objective import Objective

Widths = Annotated[tuple[Annotated[int, Int(16, 256, log=True)], ...], Length(1, 3)]


class RingGanSpace(AdversarialSpace):
    """Generation of points from eight Gaussians on a ring by a GAN of small perceptrons.

    Baseline, set by hand since the course only derives the method: two layers of 32 units in both
    networks, the non-saturating loss, Adam 1e-3 with beta1 0.5, one discriminator step per
    generator step, 150 epochs.

    Attributes:
        generator_widths: Units of the generator's hidden layers.
        discriminator_widths: Units of the discriminator's hidden layers.
        activation: Activation of both networks.
    """

    generator_widths: Widths = (32, 32)
    discriminator_widths: Widths = (32, 32)
    activation: Literal["relu", "leaky_relu", "tanh"] = "relu"
    batch_size: Literal[64, 128, 256, 512] = 256
    epochs: int = 150


DESCRIPTION = TaskDescription(
    name="ring-gan",
    space=RingGanSpace,
    objective=Objective("val_mmd", "min"),
    module="tuneyard.trainables.tasks.ring_gan",
)
