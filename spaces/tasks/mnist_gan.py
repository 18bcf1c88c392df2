"""Hyperparameters of the GAN for images."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.gan import AdversarialSpace
from tuneyard.spaces.fields.image_data import IMAGE_DATA
from tuneyard.spaces.fields.regularization import Dropout
from tuneyard.spaces.language.numeric import Int
from tuneyard.spaces.language.space import SearchSpace
from tuneyard.spaces.objective import Objective

Width = Annotated[int, Int(64, 512, log=True)]
Channels = Annotated[int, Int(8, 64, log=True)]


class Dense(SearchSpace):
    """Multilayer perceptrons: noise to w, 2 w, pixels, and pixels to 2 w, w, a score."""

    kind: Literal["dense"] = "dense"
    generator_width: Width = 128
    discriminator_width: Width = 128


class Convolutional(SearchSpace):
    """Strided convolutions: noise to 2 c of 7 x 7, c of 14 x 14, pixels, and the way back.

    Radford et al., 2016, "Unsupervised representation learning with deep convolutional GANs".
    """

    kind: Literal["convolutional"] = "convolutional"
    generator_channels: Channels = 16
    discriminator_channels: Channels = 16


class MnistGanSpace(AdversarialSpace):
    """A GAN that draws images, by perceptrons or by convolutions.

    ``--data`` chooses between mnist, fashion-mnist, kmnist and digits, which needs no file.

    Baseline: hand-set and small, since the course only derives the game: perceptrons of width 128,
    batch norm in the generator, the non-saturating loss, Adam 1e-3 with beta1 0.5, one step each,
    batches of 128, 20 epochs.

    Attributes:
        network: Kind and widths of both networks.
        batch_norm: In the generator; in the discriminator it would mix real and drawn images.
        dropout: After each hidden layer of the discriminator.
    """

    network: Annotated[Dense | Convolutional, Field(discriminator="kind")] = Dense()
    batch_norm: bool = True
    dropout: Dropout = 0.0
    batch_size: Literal[64, 128, 256] = 128
    epochs: int = 20


DESCRIPTION = TaskDescription(
    name="mnist-gan",
    space=MnistGanSpace,
    objective=Objective("val_frechet", "min"),
    module="tuneyard.trainables.tasks.mnist_gan",
    data=IMAGE_DATA,
)
