"""From a scheduler's options to Ray Tune's scheduler, and PBT's step within a space."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ray.tune.schedulers import (
    ASHAScheduler,
    FIFOScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    PopulationBasedTraining,
    TrialScheduler,
)

from tuneyard.search.schedulers import (
    ASHA,
    PBT,
    HyperBand,
    Median,
    NoScheduler,
    Scheduler,
    first_rung,
    pbt_interval,
)
from tuneyard.spaces import Float, Space, Value
from tuneyard.spaces.dimensions import Dimension
from tuneyard.spaces.loop import TrainingSpace


def build_scheduler(
    scheduler: Scheduler, mode: str, space: Space[TrainingSpace], epochs: int, seed: int
) -> TrialScheduler:
    """Ray Tune's scheduler; it reads ``objective`` (PBT ``current``) by ``epoch``.

    Args:
        scheduler: Which one, with options.
        mode: The objective's direction.
        space: The narrowed space, in which PBT moves.
        epochs: The longest training in the space.
        seed: Of PBT's moves.
    """
    common: dict[str, Any] = {"time_attr": "epoch", "metric": "objective", "mode": mode}
    match scheduler:
        case ASHA():
            return ASHAScheduler(
                max_t=epochs,
                grace_period=first_rung(scheduler, epochs),
                reduction_factor=scheduler.reduction,
                **common,
            )
        case HyperBand():
            return HyperBandScheduler(max_t=epochs, reduction_factor=scheduler.reduction, **common)
        case Median():
            return MedianStoppingRule(
                grace_period=first_rung(scheduler, epochs),
                min_samples_required=scheduler.min_trials,
                **common,
            )
        case PBT():
            return PopulationBasedTraining(
                perturbation_interval=pbt_interval(scheduler, epochs),
                quantile_fraction=scheduler.quantile,
                custom_explore_fn=explorer(space, scheduler.resample, random.Random(seed)),
                log_config=False,
                **(common | {"metric": "current"}),
            )
        case NoScheduler():
            return FIFOScheduler()


def explorer(
    space: Space[TrainingSpace], resample: float, rng: random.Random
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """PBT's change of a copied config: the optimizer's numbers, each within its domain.

    Nothing else is changed, so that the copied weights and optimizer state still fit.

    Args:
        space: The narrowed space.
        resample: Probability that a number is drawn anew.
        rng: Where chance comes from.
    """
    movable = {
        leaf.path: leaf
        for leaf in space.dimensions()
        if leaf.path.startswith("optimizer.") and isinstance(leaf.domain, Float)
    }

    def explore(config: dict[str, Any]) -> dict[str, Any]:
        params: dict[str, Value] = dict(config["trial"]["params"])
        for path in params.keys() & movable.keys():
            params[path] = _moved(movable[path], params[path], resample, rng)
        return {**config, "trial": {**config["trial"], "params": params}}

    return explore


def _moved(leaf: Dimension, value: Value, resample: float, rng: random.Random) -> Value:
    if rng.random() < resample:
        return rng.choice(list(leaf.domain.grid(100)))
    return leaf.domain.nearest(float(str(value)) * rng.choice((0.8, 1.2)))
