"""How the learning rate changes over a training, counted in epochs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.language.numeric import Float, Int
from tuneyard.spaces.language.space import SearchSpace


class Constant(SearchSpace):
    """The learning rate stays."""

    kind: Literal["constant"] = "constant"


class Step(SearchSpace):
    """Multiplied by `gamma` after every `fraction` of the epochs."""

    kind: Literal["step"] = "step"
    fraction: Annotated[float, Float(0.05, 0.5)] = 0.3
    gamma: Annotated[float, Float(0.05, 0.9)] = 0.1


class ReduceOnPlateau(SearchSpace):
    """Multiplied by `factor` once the objective has not improved for `patience` epochs."""

    kind: Literal["plateau"] = "plateau"
    factor: Annotated[float, Float(0.1, 0.9)] = 0.1
    patience: Annotated[int, Int(1, 50, log=True)] = 10


class Cosine(SearchSpace):
    """Falls to `final` of itself along half a cosine (Loshchilov and Hutter, 2017)."""

    kind: Literal["cosine"] = "cosine"
    final: Annotated[float, Float(0.0, 0.2)] = 0.0


class OneCycle(SearchSpace):
    """Rises to the learning rate over `warmup` of the epochs, then falls to nearly nothing.

    Smith and Topin, 2019, "Super-convergence".
    """

    kind: Literal["one_cycle"] = "one_cycle"
    warmup: Annotated[float, Float(0.05, 0.5)] = 0.3


Schedule = Annotated[
    Constant | Step | ReduceOnPlateau | Cosine | OneCycle, Field(discriminator="kind")
]
