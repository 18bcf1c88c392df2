"""Augmentation of images, drawn separately for each image of a training batch."""

from __future__ import annotations

from typing import Annotated

from tuneyard.spaces.language.numeric import Float, Int
from tuneyard.spaces.language.space import SearchSpace


class Augmentation(SearchSpace):
    """The augmentations of the courses; with these defaults, an image is not changed.

    A space declares it as ``augmentation: Augmentation | None = None``, where None means off.

    Attributes:
        horizontal_flip: Whether images are mirrored with probability 1/2.
        rotation: Largest rotation in either direction, in degrees.
        scaling: Largest relative change of the size of an image.
        shift: Largest shift in pixels in each direction, like a crop of the image with a margin.
        noise: Standard deviation of Gaussian noise on pixels in [0, 1].
    """

    horizontal_flip: bool = False
    rotation: Annotated[float, Float(0.0, 30.0)] = 0.0
    scaling: Annotated[float, Float(0.0, 0.3)] = 0.0
    shift: Annotated[int, Int(0, 4)] = 0
    noise: Annotated[float, Float(0.0, 0.3)] = 0.0
