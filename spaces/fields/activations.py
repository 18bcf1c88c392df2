"""The activations that the courses use, named like their functions in torch."""

from __future__ import annotations

from typing import Literal

Activation = Literal["relu", "leaky_relu", "tanh", "sigmoid", "softplus", "elu", "gelu"]
