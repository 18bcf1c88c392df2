"""From a scheduler's options to Ray Tune's scheduler, and PBT's step within a space."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import (
    ASHAScheduler,
    FIFOScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    PopulationBasedTraining,
    TrialScheduler,
)
from ray.tune.schedulers.hyperband import _Bracket

from tuneyard.search.spec.schedulers import (
    ASHA,
    PBT,
    HyperBand,
    Median,
    NoScheduler,
    Scheduler,
    first_rung,
    pbt_interval,
)
from tuneyard.search.trials.record import BASELINE
from tuneyard.spaces import Float, Space, Value
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.dimensions import Dimension
from tuneyard.trainables.worker.wire import (
    BEST_VALUE,
    EPOCH,
    LAST_VALUE,
    assignment_of,
    with_params,
)


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
    common: dict[str, Any] = {"time_attr": EPOCH, "metric": BEST_VALUE, "mode": mode}
    match scheduler:
        case ASHA():
            return RecallsRungs(
                max_t=epochs,
                grace_period=first_rung(scheduler, epochs),
                reduction_factor=scheduler.reduction,
                **common,
            )
        case HyperBand():
            return _HyperBand(
                max_t=epochs,
                reduction_factor=scheduler.reduction,
                # brackets end at 99 or 81 of 100 epochs: who survives them trains to its end
                stop_last_trials=False,
                **common,
            )
        case Median():
            return _Median(
                grace_period=first_rung(scheduler, epochs),
                min_samples_required=scheduler.min_trials,
                **common,
            )
        case PBT():
            return _PBT(
                perturbation_interval=pbt_interval(scheduler, epochs),
                quantile_fraction=scheduler.quantile,
                custom_explore_fn=explorer(space, scheduler.resample, random.Random(seed)),
                log_config=False,
                **(common | {"metric": LAST_VALUE}),
            )
        case NoScheduler():
            return _FIFO()  # type: ignore[no-untyped-call]


class _SparesBaseline(TrialScheduler):
    """Lets the baseline train to its own end: what is compared with it must be its full value."""

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        if assignment_of(trial.config).single.number == BASELINE:
            return TrialScheduler.CONTINUE
        return super().on_trial_result(tune_controller, trial, result)


class _LetsActorsStart(TrialScheduler):
    """Leaves it to Tune to start new trials, in the order in which they came.

    Ray's schedulers choose the first that waits, though its actor be starting: it gets the actor of
    a trial that has just ended, and its own is killed. Where some trial ends before a new actor has
    started, which takes seconds, a node that joins would never be used.
    """

    def choose_trial_to_run(self, tune_controller: TuneController) -> Trial | None:
        chosen = super().choose_trial_to_run(tune_controller)
        return chosen if chosen is not None and chosen.status == Trial.PAUSED else None


class _FIFO(_LetsActorsStart, FIFOScheduler):
    pass


class RecallsRungs(_SparesBaseline, _LetsActorsStart, ASHAScheduler):
    """ASHA that goes on after a crash with the rungs that it had."""

    def recall(self, curves: Mapping[int, Mapping[int, float]]) -> None:
        """Fills the rungs.

        Args:
            curves: The best objective by epoch of each trial that ended before, by number.
        """
        (bracket,) = self._brackets
        sign = 1 if self._mode == "max" else -1
        for number, curve in curves.items():
            reports = sorted(curve.items())
            # at the baseline it looks when that has ended
            for epoch, value in reports[-1:] if number == BASELINE else reports:
                ended = cast("Trial", _Ended(str(number)))
                bracket.on_result(ended, epoch, sign * value)


@dataclass(frozen=True)
class _Ended:
    """All that a rung asks of a trial."""

    trial_id: str


class _Median(_SparesBaseline, _LetsActorsStart, MedianStoppingRule):
    pass


class _PBT(_SparesBaseline, PopulationBasedTraining):
    pass


class _HyperBand(_SparesBaseline, HyperBandScheduler):
    """HyperBand whose paused trials go on when those that they wait for end by themselves.

    Ray marks a bracket as being processed and never takes that back: after the first rung a trial
    that stops early, diverges or meets the deadline would leave the others waiting for ever.
    """

    def _process_bracket(self, tune_controller: TuneController, bracket: _Bracket) -> str:
        try:
            return super()._process_bracket(tune_controller, bracket)
        finally:
            bracket.is_being_processed = False


def explorer(
    space: Space[TrainingSpace], resample: float, rng: random.Random
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
