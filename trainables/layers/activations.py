"""Builds an activation from its name."""

from __future__ import annotations

from torch import nn

from tuneyard.spaces.fields.activations import Activation

_MODULES: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "softplus": nn.Softplus,
    "elu": nn.ELU,
    "gelu": nn.GELU,
}


def build_activation(name: Activation) -> nn.Module:
    """A new module of the named activation."""
    return _MODULES[name]()
