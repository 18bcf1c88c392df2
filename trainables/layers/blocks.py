"""Layers that several networks consist of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import nn

from tuneyard.spaces.fields.activations import Activation
from tuneyard.trainables.layers.activations import build_activation


def hidden_layers(
    width: int, sizes: Sequence[int], activation: Activation, *, batch_norm: bool, dropout: float
) -> list[nn.Module]:
    """Fully connected layers, each followed by batch norm, activation and dropout.

    Args:
        width: The number of inputs.
        sizes: The number of units of each layer.
        activation: The activation after each layer.
        batch_norm: Whether batch norm precedes each activation.
        dropout: The probability of the dropout after each activation; 0 means none.
    """
    layers: list[nn.Module] = []
    for size in sizes:
        layers.append(nn.Linear(width, size))
        if batch_norm:
            layers.append(nn.BatchNorm1d(size))
        layers.append(build_activation(activation))
        if dropout:
            layers.append(nn.Dropout(dropout))
        width = size
    return layers


def convolution(
    in_channels: int, out_channels: int, kernel_size: int, *, padding: bool, batch_norm: bool
) -> nn.Module:
    """A convolution (B, in_channels, H, W) to (B, out_channels, H', W'), optionally normalized.

    Args:
        in_channels: The channels of the input.
        out_channels: The channels of the output.
        kernel_size: The height and width of the kernel, odd.
        padding: Whether H and W stay the same; otherwise they shrink by ``kernel_size - 1``.
        batch_norm: Whether batch norm follows; it makes a bias superfluous.
    """
    layer = nn.Conv2d(
        in_channels,
        out_channels,
        kernel_size,
        padding=kernel_size // 2 * padding,
        bias=not batch_norm,
    )
    return nn.Sequential(layer, nn.BatchNorm2d(out_channels)) if batch_norm else layer


def build_pooling(kind: Literal["max", "average"]) -> nn.Module:
    """Max or average pooling over 2 x 2 pixels; an odd last row or column is dropped."""
    return nn.MaxPool2d(2) if kind == "max" else nn.AvgPool2d(2)
