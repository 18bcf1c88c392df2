"""How far two samples are from one distribution: maximum mean discrepancy, Frechet distance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def mmd(one: Tensor, other: Tensor, bandwidths: Sequence[float]) -> Tensor:
    """The maximum mean discrepancy under the mean of some Gaussian kernels.

    The biased estimate of Gretton et al., 2012, equation 5: two samples of n points from one
    distribution are about ``1 / sqrt(n)`` apart, the same sample 0.

    Args:
        one: Points (n, d).
        other: Points (m, d).
        bandwidths: Deviation of each kernel, in the points' unit.

    Returns:
        A scalar in [0, sqrt(2)].
    """
    points = torch.cat([one, other])
    kernel = _kernel(points, bandwidths)
    n = len(one)
    squared = kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
    # rounding takes the distance of a sample to itself below zero
    return squared.clamp(min=0).sqrt()


def _kernel(points: Tensor, bandwidths: Sequence[float]) -> Tensor:
    """The mean of the kernels between all points, (n, n), in [0, 1]."""
    squared = torch.cdist(points, points).square()
    total = torch.zeros_like(squared)
    for bandwidth in bandwidths:
        # below exp(-80) a float is denormal: nothing to the mean, and twenty times as slow
        total += (squared / (-2 * bandwidth**2)).clamp(min=-80).exp()
    return total / len(bandwidths)
