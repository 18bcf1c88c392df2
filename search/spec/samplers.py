"""Which sampler proposes configs, with its options."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.search.frozen import Frozen


class TPE(Frozen):
    """Tree-structured Parzen estimator (Bergstra et al., 2011), multivariate, branch by branch.

    Attributes:
        startup_trials: Random trials before the first estimate.
    """

    kind: Literal["tpe"] = "tpe"
    startup_trials: Annotated[int, Field(ge=1)] = 10


class Random(Frozen):
    """Each dimension on its own, uniformly over its domain."""

    kind: Literal["random"] = "random"


class QuasiRandom(Frozen):
    """A scrambled Sobol sequence; dimensions of branches are random."""

    kind: Literal["quasi_random"] = "quasi_random"


class CmaEs(Frozen):
    """Covariance matrix adaptation (Hansen, 2016) of the numbers that every config has."""

    kind: Literal["cma_es"] = "cma_es"


class GP(Frozen):
    """Gaussian process with expected improvement.

    Attributes:
        startup_trials: Random trials before the first fit.
    """

    kind: Literal["gp"] = "gp"
    startup_trials: Annotated[int, Field(ge=1)] = 10


class Grid(Frozen):
    """Every combination, in order; the search ends with the last one.

    Attributes:
        points: Values of each numeric dimension, spread evenly over its scale.
    """

    kind: Literal["grid"] = "grid"
    points: Annotated[int, Field(ge=2)] = 3


Sampler = Annotated[TPE | Random | QuasiRandom | CmaEs | GP | Grid, Field(discriminator="kind")]
