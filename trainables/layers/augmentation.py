"""Augmentation of a batch of images on their device, drawn separately for each image."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from tuneyard.spaces.fields.augmentation import Augmentation


def augment(images: Tensor, augmentation: Augmentation) -> Tensor:
    """Flips, rotates, scales and shifts each image at random, and adds noise.

    Random numbers come from torch's global generator of the images' device. Pixels from outside an
    image are 0, and values are not clipped after noise is added.

    Args:
        images: Pixels (B, C, H, W) as floats, in [0, 1].
        augmentation: The operations and the bounds of their random parameters.

    Returns:
        Images of the same shape.
    """
    if augmentation.horizontal_flip:
        mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
        images = torch.where(mirrored, images.flip(-1), images)
    if augmentation.rotation or augmentation.scaling or augmentation.shift:
        grid = F.affine_grid(
            _affine_maps(images, augmentation), list(images.shape), align_corners=False
        )
        images = F.grid_sample(images, grid.to(images.dtype), align_corners=False)
    if augmentation.noise:
        images = images + augmentation.noise * torch.randn_like(images)
    return images


def _affine_maps(images: Tensor, augmentation: Augmentation) -> Tensor:
    """Affine maps (B, 2, 3) from output to input coordinates, both in [-1, 1]."""
    count, height, width = len(images), images.shape[-2], images.shape[-1]
    angle, growth = (2 * torch.rand(2, count, device=images.device) - 1).unbind()
    angle = angle * math.radians(augmentation.rotation)
    scale = 1 / (1 + growth * augmentation.scaling)
    pixels = torch.randint(
        -augmentation.shift, augmentation.shift + 1, (count, 2), device=images.device
    )
    cos, sin = scale * angle.cos(), scale * angle.sin()
    # the factors keep a rotation a rotation where height and width differ
    rows = [
        torch.stack([cos, sin * height / width, pixels[:, 0] * 2 / width], dim=1),
        torch.stack([-sin * width / height, cos, pixels[:, 1] * 2 / height], dim=1),
    ]
    return torch.stack(rows, dim=1)
