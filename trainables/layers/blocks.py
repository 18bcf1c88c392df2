"""Layers that several networks are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import nn

from tuneyard.spaces.fields.activations import Activation
from tuneyard.trainables.layers.activations import build_activation


def hidden_layers(
    width: int, sizes: Sequence[int], activation: Activation, *, batch_norm: bool, dropout: float
) -> list[nn.Module]:
    """Fully connected layers, each with batch norm, activation and dropout as asked.

    Args:
        width: Of the input.
        sizes: Of the layers.
        activation: After each of them.
        batch_norm: Before each activation.
        dropout: After each activation; 0 is none.
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
    channels: int, wanted: int, size: int, *, padding: bool, batch_norm: bool
) -> nn.Module:
    """A convolution (B, channels, H, W) to (B, wanted, H', W'), with batch norm after it if asked.

    Args:
        channels: Of its input.
        wanted: Of its output.
        size: Height and width of its kernel, odd.
        padding: Keep H and W, else they shrink by ``size - 1``.
        batch_norm: It makes the bias superfluous.
    """
    kernel = nn.Conv2d(channels, wanted, size, padding=size // 2 * padding, bias=not batch_norm)
    return nn.Sequential(kernel, nn.BatchNorm2d(wanted)) if batch_norm else kernel


def build_pooling(kind: Literal["max", "average"]) -> nn.Module:
    """The largest or the mean of every 2 x 2 pixels; an odd row or column is left out."""
    return nn.MaxPool2d(2) if kind == "max" else nn.AvgPool2d(2)
