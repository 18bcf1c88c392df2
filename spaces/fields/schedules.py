"""Learning-rate schedules, which change the learning rate after each epoch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.language.numeric import Float, Int
from tuneyard.spaces.language.space import SearchSpace


class Constant(SearchSpace):
    """A constant learning rate."""

    kind: Literal["constant"] = "constant"


class Step(SearchSpace):
    """Multiplies the learning rate by `gamma` after every `fraction` of the epochs."""

    kind: Literal["step"] = "step"
    fraction: Annotated[float, Float(0.05, 0.5)] = 0.3
    gamma: Annotated[float, Float(0.05, 0.9)] = 0.1


class ReduceOnPlateau(SearchSpace):
    """Multiplies the learning rate by `factor` after `patience` epochs without improvement.

    Improvement is that of the objective.
    """

    kind: Literal["plateau"] = "plateau"
    factor: Annotated[float, Float(0.1, 0.9)] = 0.1
    patience: Annotated[int, Int(1, 50, log=True)] = 10


class Cosine(SearchSpace):
    """Decreases the learning rate along a half cosine (Loshchilov and Hutter, 2017).

    It ends at `final` times the initial learning rate.
    """

    kind: Literal["cosine"] = "cosine"
    final: Annotated[float, Float(0.0, 0.2)] = 0.0


class OneCycle(SearchSpace):
    """Increases the learning rate over `warmup` of the epochs, then decreases it to nearly zero.

    Smith and Topin, 2019, "Super-convergence". The maximum is the optimizer's learning rate.
    """

    kind: Literal["one_cycle"] = "one_cycle"
    warmup: Annotated[float, Float(0.05, 0.5)] = 0.3


Schedule = Annotated[
    Constant | Step | ReduceOnPlateau | Cosine | OneCycle, Field(discriminator="kind")
]
