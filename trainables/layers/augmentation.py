"""Augmentation of a batch of images on their device, one draw an image."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from tuneyard.spaces.fields.augmentation import Augmentation


def augment(images: Tensor, how: Augmentation) -> Tensor:
    """Images (B, C, H, W) of the same size, each flipped, turned, scaled and shifted by chance.

    Draws come from torch's global generator of the images' device. What comes in from outside an
    image is 0, and values are not cut off after noise.

    Args:
        images: Pixels as floats, in [0, 1].
        how: Within which bounds.
    """
    if how.horizontal_flip:
        mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
        images = torch.where(mirrored, images.flip(-1), images)
    if how.rotation or how.scaling or how.shift:
        grid = F.affine_grid(_maps(images, how), list(images.shape), align_corners=False)
        images = F.grid_sample(images, grid.to(images.dtype), align_corners=False)
    if how.noise:
        images = images + how.noise * torch.randn_like(images)
    return images


def _maps(images: Tensor, how: Augmentation) -> Tensor:
    """Affine maps (B, 2, 3) from places in the new images to places in the old, both in [-1, 1]."""
    count, height, width = len(images), images.shape[-2], images.shape[-1]
    angle, grown = (2 * torch.rand(2, count, device=images.device) - 1).unbind()
    angle = angle * math.radians(how.rotation)
    scale = 1 / (1 + grown * how.scaling)
    pixels = torch.randint(-how.shift, how.shift + 1, (count, 2), device=images.device)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    # a turn in pixels is one in [-1, 1] only where an image is as high as it is wide
    rows = [
        torch.stack([cos, sin * height / width, pixels[:, 0] * 2 / width], dim=1),
        torch.stack([-sin * width / height, cos, pixels[:, 1] * 2 / height], dim=1),
    ]
    return torch.stack(rows, dim=1)
