"""The activations that the courses use, by the name of their function in torch."""

from __future__ import annotations

from typing import Literal

Activation = Literal["relu", "leaky_relu", "tanh", "sigmoid", "softplus", "elu", "gelu"]
