"""Between a space and Optuna: its sampler, and a trial's config dimension by dimension."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import optuna

from tuneyard.search.spec.samplers import SamplerOptions
from tuneyard.search.trials.record import Params
from tuneyard.spaces import Float, Int, SearchSpace, Space, Value
from tuneyard.spaces.language.categorical import Choice
from tuneyard.spaces.language.dimensions import Dimension


def build_sampler(options: SamplerOptions, seed: int) -> optuna.samplers.BaseSampler:
    """Optuna's sampler, without Optuna's warning that some of them are experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return options.build(seed)


def suggest_config(trial: optuna.Trial, space: Space[SearchSpace]) -> SearchSpace:
    """The config that a trial's sampler chooses, or that was enqueued for the trial.

    Args:
        trial: As the study gave it.
        space: The narrowed space.
    """
    with _uneven_steps():
        return space.suggest(lambda leaf: _suggest(trial, leaf))


def distributions(
    space: Space[SearchSpace], params: Params
) -> dict[str, optuna.distributions.BaseDistribution]:
    """Optuna's distributions of the dimensions that a config has.

    Args:
        space: The narrowed space.
        params: The config, flat.
    """
    found: dict[str, optuna.distributions.BaseDistribution] = {}

    def take(leaf: Dimension) -> Value:
        found[leaf.path] = distribution(leaf)
        return params[leaf.path]

    with _uneven_steps():
        space.suggest(take)
    return found


@contextmanager
def _uneven_steps() -> Iterator[None]:
    """Without Optuna's warning where a step does not divide the range, as we say it, too."""
    with warnings.catch_warnings():
        # both end with the last member before its end
        warnings.filterwarnings("ignore", message=".*range is not divisible by `step`")
        yield


def distribution(leaf: Dimension) -> optuna.distributions.BaseDistribution:
    """Optuna's distribution of a dimension."""
    match leaf.domain:
        case Float(low, high, log, step):
            return optuna.distributions.FloatDistribution(low, high, log=log, step=step)
        case Int(low, high, log, step):
            return optuna.distributions.IntDistribution(low, high, log=log, step=step or 1)
        case Choice(choices):
            return optuna.distributions.CategoricalDistribution(choices)
        case _:
            raise AssertionError(f"{leaf.path} is not searched")


def _suggest(trial: optuna.Trial, leaf: Dimension) -> Value:
    match leaf.domain:
        case Float(low, high, log, step):
            return trial.suggest_float(leaf.path, low, high, log=log, step=step)
        case Int(low, high, log, step):
            return trial.suggest_int(leaf.path, low, high, log=log, step=step or 1)
        case Choice(choices):
            return trial.suggest_categorical(leaf.path, choices)
        case _:
            raise AssertionError(f"{leaf.path} is not searched")
