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
    """Multilayer perceptrons, of widths w.

    The generator has layers of w and 2 w units and the pixels as output; the discriminator has
    layers of 2 w and w units and a score as output.
    """

    kind: Literal["dense"] = "dense"
    generator_width: Width = 128
    discriminator_width: Width = 128


class Convolutional(SearchSpace):
    """Strided convolutions, with c channels (Radford et al., 2016).

    The generator maps noise to 2 c channels of 7 x 7, c channels of 14 x 14, and then pixels; the
    discriminator has the same shapes in reverse order. The paper is "Unsupervised representation
    learning with deep convolutional GANs".
    """

    kind: Literal["convolutional"] = "convolutional"
    generator_channels: Channels = 16
    discriminator_channels: Channels = 16


class MnistGanSpace(AdversarialSpace):
    """Generation of images by a GAN of perceptrons or convolutional networks.

    ``--data`` chooses between mnist, fashion-mnist, kmnist and digits, which needs no file.

    Baseline, set by hand since the course only derives the method: perceptrons of width 128, batch
    norm in the generator, the non-saturating loss, Adam 1e-3 with beta1 0.5, one discriminator step
    per generator step, batches of 128, 20 epochs.

    Attributes:
        network: Kind and widths of both networks.
        batch_norm: Whether the generator has batch norm; in the discriminator it would mix real and
            generated images.
        dropout: Dropout after each hidden layer of the discriminator.
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
