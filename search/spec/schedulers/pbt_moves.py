"""Ray Tune's population based training, and its step within a space."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any  # Ray Tune's configs are dictionaries of anything

from ray.tune.schedulers import PopulationBasedTraining

from tuneyard.search.spec.schedulers.base import SchedulerSetting
from tuneyard.search.spec.schedulers.tune_mixins import SparesBaseline
from tuneyard.spaces import Float, SearchSpace, Space, Value
from tuneyard.spaces.language.dimensions import Dimension
from tuneyard.trainables.worker.wire import EPOCH, LAST_VALUE, assignment_of, with_params


class SparingPBT(SparesBaseline, PopulationBasedTraining):
    """Population based training in which the baseline copies no other trial."""


def build_pbt(
    interval: int, quantile: float, resample: float, setting: SchedulerSetting
) -> SparingPBT:
    """Ray Tune's scheduler; it compares trials by their last values, whose weights it copies.

    Args:
        interval: Epochs between changes.
        quantile: See `PBT`.
        resample: See `PBT`.
        setting: The search that it is built for.
    """
    return SparingPBT(
        time_attr=EPOCH,
        metric=LAST_VALUE,
        mode=setting.mode,
        perturbation_interval=interval,
        quantile_fraction=quantile,
        custom_explore_fn=explorer(setting.space, resample, random.Random(setting.seed)),
        log_config=False,
    )


def explorer(
    space: Space[SearchSpace], resample: float, rng: random.Random
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """PBT's change of a copied config: the optimizers' numbers, each within its domain.

    Nothing else is changed, so that the copied weights and optimizer state still fit.

    Args:
        space: The narrowed space.
        resample: Probability that a number is drawn anew.
        rng: Where chance comes from.
    """
    movable = {
        leaf.path: leaf
        for leaf in space.dimensions()
        if str(leaf.keys[0]).endswith("optimizer") and isinstance(leaf.domain, Float)
    }

    def explore(config: dict[str, Any]) -> dict[str, Any]:
        params = dict(assignment_of(config).single.params)
        for path, leaf in movable.items():
            if path in params:
                params[path] = _moved(leaf, params[path], resample, rng)
        return with_params(config, params)

    return explore


def _moved(leaf: Dimension, value: Value, resample: float, rng: random.Random) -> Value:
    if rng.random() < resample:
        return rng.choice(list(leaf.domain.grid(100)))
    return leaf.domain.nearest(float(str(value)) * rng.choice((0.8, 1.2)))
