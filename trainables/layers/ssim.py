"""Structural similarity of images (Wang et al., 2004)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

WINDOW = 11  # side in pixels
SIGMA = 1.5  # standard deviation of the window's Gaussian, in pixels
C1, C2 = 0.01**2, 0.03**2  # the paper's constants for values in [0, 1]


def ssim(images: Tensor, others: Tensor) -> Tensor:
    """Mean structural similarity of pairs of images, (N,) in [-1, 1]; 1 for equal images.

    Args:
        images: The first images, (N, H, W) in [0, 1], with H and W at least 11.
        others: The second images, of the same shape.
    """
    moments = torch.stack([images, others, images * images, others * others, images * others])
    mean_x, mean_y, xx, yy, xy = _blurred(moments.flatten(0, 1)).unflatten(0, moments.shape[:2])
    luminance = (2 * mean_x * mean_y + C1) / (mean_x.square() + mean_y.square() + C1)
    variances = (xx - mean_x.square()) + (yy - mean_y.square())
    structure = (2 * (xy - mean_x * mean_y) + C2) / (variances + C2)
    similarity: Tensor = (luminance * structure).mean((1, 2))
    return similarity


def _blurred(images: Tensor) -> Tensor:
    """Averages (N, H, W) under a Gaussian window, wherever it fits: (N, H - 10, W - 10)."""
    places = torch.arange(WINDOW, device=images.device, dtype=images.dtype) - WINDOW // 2
    window = torch.exp(-places.square() / (2 * SIGMA**2))
    window = window / window.sum()
    across = F.conv2d(images[:, None], window[None, None, None, :])
    return F.conv2d(across, window[None, None, :, None])[:, 0]
