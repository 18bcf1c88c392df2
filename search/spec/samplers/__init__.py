"""Which sampler proposes configs, with its options: one file per kind, and its place here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tuneyard.search.spec.samplers.base import SamplerOptions
from tuneyard.search.spec.samplers.cma_es import CmaEs
from tuneyard.search.spec.samplers.gp import GP
from tuneyard.search.spec.samplers.grid import Grid
from tuneyard.search.spec.samplers.quasi_random import QuasiRandom
from tuneyard.search.spec.samplers.random import Random
from tuneyard.search.spec.samplers.tpe import TPE

Sampler = Annotated[TPE | Random | QuasiRandom | CmaEs | GP | Grid, Field(discriminator="kind")]

__all__ = [
    "GP",
    "TPE",
    "CmaEs",
    "Grid",
    "QuasiRandom",
    "Random",
    "Sampler",
    "SamplerOptions",
]
