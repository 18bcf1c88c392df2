"""The optimizers of `torch.optim` that the courses use, each with its own typed fields.

The ranges are those in which each method is commonly tuned. `weight_decay` is the weight of the L2
penalty; None means no penalty.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.language.numeric import Float, Int
from tuneyard.spaces.language.space import SearchSpace

WeightDecay = Annotated[float, Float(1e-6, 1e-1, log=True)] | None


class SGD(SearchSpace):
    """Stochastic gradient descent, with momentum (Sutskever et al., 2013)."""

    kind: Literal["sgd"] = "sgd"
    lr: Annotated[float, Float(1e-4, 1.0, log=True)] = 1e-2
    momentum: Annotated[float, Float(0.0, 0.99)] = 0.0
    nesterov: bool = False
    weight_decay: WeightDecay = None


class Adam(SearchSpace):
    """Adam (Kingma and Ba, 2015), with an L2 penalty as in torch.optim.Adam."""

    kind: Literal["adam"] = "adam"
    lr: Annotated[float, Float(1e-5, 1e-1, log=True)] = 1e-3
    beta1: Annotated[float, Float(0.8, 0.99)] = 0.9
    weight_decay: WeightDecay = None


class AdamW(SearchSpace):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    kind: Literal["adamw"] = "adamw"
    lr: Annotated[float, Float(1e-5, 1e-1, log=True)] = 1e-3
    beta1: Annotated[float, Float(0.8, 0.99)] = 0.9
    weight_decay: Annotated[float, Float(1e-4, 1.0, log=True)] = 1e-2


class Adamax(SearchSpace):
    """Adam under the infinity norm (Kingma and Ba, 2015, section 7)."""

    kind: Literal["adamax"] = "adamax"
    lr: Annotated[float, Float(1e-5, 1e-1, log=True)] = 2e-3
    beta1: Annotated[float, Float(0.8, 0.99)] = 0.9
    weight_decay: WeightDecay = None


class Adagrad(SearchSpace):
    """Adagrad (Duchi et al., 2011)."""

    kind: Literal["adagrad"] = "adagrad"
    lr: Annotated[float, Float(1e-4, 1.0, log=True)] = 1e-2
    lr_decay: Annotated[float, Float(0.0, 0.1)] = 0.0
    weight_decay: WeightDecay = None


class ASGD(SearchSpace):
    """Averaged stochastic gradient descent (Polyak and Juditsky, 1992)."""

    kind: Literal["asgd"] = "asgd"
    lr: Annotated[float, Float(1e-4, 1.0, log=True)] = 1e-2
    lambd: Annotated[float, Float(1e-6, 1e-2, log=True)] = 1e-4
    alpha: Annotated[float, Float(0.5, 1.0)] = 0.75
    weight_decay: WeightDecay = None


class RMSprop(SearchSpace):
    """RMSprop (Hinton, 2012, lecture 6e)."""

    kind: Literal["rmsprop"] = "rmsprop"
    lr: Annotated[float, Float(1e-5, 1e-1, log=True)] = 1e-2
    alpha: Annotated[float, Float(0.8, 0.999)] = 0.99
    momentum: Annotated[float, Float(0.0, 0.99)] = 0.0
    centered: bool = False
    weight_decay: WeightDecay = None


class Rprop(SearchSpace):
    """Resilient backpropagation (Riedmiller and Braun, 1993); meant for full batches."""

    kind: Literal["rprop"] = "rprop"
    lr: Annotated[float, Float(1e-4, 1e-1, log=True)] = 1e-2
    eta_minus: Annotated[float, Float(0.3, 0.8)] = 0.5
    eta_plus: Annotated[float, Float(1.05, 1.5)] = 1.2


class LBFGS(SearchSpace):
    """Limited-memory BFGS (Liu and Nocedal, 1989); meant for full batches."""

    kind: Literal["lbfgs"] = "lbfgs"
    lr: Annotated[float, Float(1e-2, 1.0, log=True)] = 1.0
    max_iter: Annotated[int, Int(1, 20)] = 20
    history_size: Annotated[int, Int(5, 100, log=True)] = 100
    line_search: Literal["none", "strong_wolfe"] = "none"


Optimizer = Annotated[
    SGD | Adam | AdamW | Adamax | Adagrad | ASGD | RMSprop | Rprop | LBFGS,
    Field(discriminator="kind"),
]
