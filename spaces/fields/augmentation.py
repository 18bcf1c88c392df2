"""Augmentation of images: each image of a training batch is changed by its own draw."""

from __future__ import annotations

from typing import Annotated

from tuneyard.spaces.language.numeric import Float, Int
from tuneyard.spaces.language.space import SearchSpace


class Augmentation(SearchSpace):
    """The augmentations of the courses; with these defaults an image stays as it is.

    A task has it as ``augmentation: Augmentation | None = None``, where None means off.

    Attributes:
        horizontal_flip: Every other image, by chance, is its mirror image.
        rotation: Largest angle, in degrees, either way.
        scaling: Largest share by which an image grows or shrinks.
        shift: Most pixels to each side, as a crop from the image with a margin.
        noise: Standard deviation of Gaussian noise on pixels in [0, 1].
    """

    horizontal_flip: bool = False
    rotation: Annotated[float, Float(0.0, 30.0)] = 0.0
    scaling: Annotated[float, Float(0.0, 0.3)] = 0.0
    shift: Annotated[int, Int(0, 4)] = 0
    noise: Annotated[float, Float(0.0, 0.3)] = 0.0
