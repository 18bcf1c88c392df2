"""Regularization that the training loop applies to any model; None means off.

Weight decay is a field of each optimizer, and dropout a field of each model.
"""

from __future__ import annotations

from typing import Annotated

from tuneyard.spaces.language.numeric import Float

L1 = Annotated[float, Float(1e-7, 1e-2, log=True)] | None
"""Weight of the sum of the absolute values of the parameters, which is added to the loss."""

ClipNorm = Annotated[float, Float(0.1, 10.0, log=True)] | None
"""Maximum of the total norm of the gradients, which are clipped to it (Pascanu et al., 2013)."""

Dropout = Annotated[float, Float(0.0, 0.6)]
"""Probability that a unit is dropped in training (Srivastava et al., 2014)."""
