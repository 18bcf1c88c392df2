"""Distances between the distributions of two samples: mean discrepancy, Frechet distance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def mmd(one: Tensor, other: Tensor, bandwidths: Sequence[float]) -> Tensor:
    """The maximum mean discrepancy under the mean of several Gaussian kernels.

    This is the biased estimate of Gretton et al., 2012, equation 5. It is about ``1 / sqrt(n)`` for
    two samples of n points from the same distribution, and 0 for twice the same sample.

    Args:
        one: Points (n, d).
        other: Points (m, d).
        bandwidths: The standard deviation of each kernel, in the unit of the points.

    Returns:
        A scalar in [0, sqrt(2)].
    """
    points = torch.cat([one, other])
    kernel = _kernel(points, bandwidths)
    n = len(one)
    squared = kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
    # rounding can make the squared distance of a sample to itself negative
    return squared.clamp(min=0).sqrt()


def frechet(one: Tensor, other: Tensor) -> Tensor:
    """The Frechet distance between normal distributions fitted to two sets of features.

    Heusel et al., 2017, "GANs trained by a two time-scale update rule": the squared distance of
    the means plus ``tr(A + B - 2 (A B)^(1/2))`` of the covariances, in double precision.

    Args:
        one: Features (n, d), n at least 2.
        other: Features (m, d), m at least 2.

    Returns:
        A scalar, 0 or more; NaN if a feature is not finite.
    """
    one, other = one.double(), other.double()
    mean_distance: Tensor = (one.mean(0) - other.mean(0)).square().sum()
    first, second = one.T.cov(), other.T.cov()
    if not bool(torch.isfinite(first).all() and torch.isfinite(second).all()):
        # torch raises an error for the eigenvalues of such a matrix
        return torch.full_like(mean_distance, torch.nan)
    root = _root(first)
    # (A B)^(1/2) has the eigenvalues of the symmetric (A^(1/2) B A^(1/2))^(1/2)
    root_trace: Tensor = torch.linalg.eigvalsh(root @ second @ root).clamp(min=0).sqrt().sum()
    return (mean_distance + first.trace() + second.trace() - 2 * root_trace).clamp(min=0)


def _root(matrix: Tensor) -> Tensor:
    """The square root of a symmetric matrix that is positive semidefinite up to rounding."""
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = vectors * values.clamp(min=0).sqrt() @ vectors.T
    return root


def _kernel(points: Tensor, bandwidths: Sequence[float]) -> Tensor:
    """The mean of the kernels for all pairs of points, (n, n), in [0, 1]."""
    squared = torch.cdist(points, points).square()
    total = torch.zeros_like(squared)
    for bandwidth in bandwidths:
        # smaller numbers would be denormal: negligible in the mean, and twenty times as slow
        total += (squared / (-2 * bandwidth**2)).clamp(min=-80).exp()
    return total / len(bandwidths)
