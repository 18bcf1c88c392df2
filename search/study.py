"""The Optuna study of a search: asked and told in memory, each finished trial mirrored to storage.

Asking a stored study takes 16 to 50 ms a trial, asking one in memory about 2 ms. The mirror is a
study that any Optuna tool reads.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from tuneyard.search.samplers import GP, TPE, CmaEs, Grid, QuasiRandom, Random, Sampler
from tuneyard.search.trials import FAILURES, History, Params, TrialRecord
from tuneyard.spaces import Float, Int, Space, Value
from tuneyard.spaces.categorical import Choice
from tuneyard.spaces.dimensions import Dimension
from tuneyard.spaces.loop import TrainingSpace
from tuneyard.trainables.task import Objective


class Study:
    """Proposes configs and learns from their results.

    The first config is the space's baseline.

    Args:
        space: The narrowed space.
        objective: What is optimised.
        sampler: Which sampler.
        seed: Of the sampler.
        name: Name of the mirrored study.
        storage: Where it is mirrored: the file of a journal.
    """

    def __init__(
        self,
        space: Space[TrainingSpace],
        objective: Objective,
        sampler: Sampler,
        *,
        seed: int,
        name: str,
        storage: Path,
    ) -> None:
        # its messages are one line a trial; ours are the display's
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = space
        direction: Literal["maximize", "minimize"] = (
            "maximize" if objective.mode == "max" else "minimize"
        )
        self._study = optuna.create_study(
            direction=direction, sampler=_build_sampler(sampler, seed)
        )
        mirror: BaseStorage = JournalStorage(JournalFileBackend(str(storage)))
        self._mirror = optuna.create_study(study_name=name, direction=direction, storage=mirror)
        self._grid: Iterator[TrainingSpace] | None = None
        if isinstance(sampler, Grid):
            baseline = space.baseline()
            rest = (config for config in space.grid(sampler.points) if config != baseline)
            self._grid = rest
        self._asked: dict[int, optuna.Trial] = {}
        self._enqueue(space.baseline())

    def _enqueue(self, config: TrainingSpace) -> None:
        searched = {leaf.path for leaf in self._space.dimensions()}
        params = self._space.flatten(config)
        self._study.enqueue_trial({path: params[path] for path in params if path in searched})

    def ask(self) -> tuple[int, Params] | None:
        """The next trial's number and parameters; None when a grid has no more."""
        if self._grid is not None and self._asked:
            config = next(self._grid, None)
            if config is None:
                return None
            self._enqueue(config)
        trial = self._study.ask()
        with warnings.catch_warnings():
            # where a step does not divide the range, both end with the last member before its end
            warnings.filterwarnings("ignore", message=".*range is not divisible by `step`")
            chosen = self._space.suggest(lambda leaf: _suggest(trial, leaf))
        self._asked[trial.number] = trial
        return trial.number, self._space.flatten(chosen)

    def started(self, record: TrialRecord) -> None:
        """Nothing is told: asking has made the trial."""

    def progressed(self, record: TrialRecord, history: History) -> None:
        """Reports the best objective so far, by which the sampler ranks pruned trials."""
        if record.value is not None:
            self._asked[record.number].report(record.value, step=record.epoch)

    def ended(self, record: TrialRecord) -> None:
        """Tells the study how the trial ended and mirrors it whole."""
        trial = self._asked[record.number]
        trial.set_user_attr("number", record.number)
        trial.set_user_attr("state", record.state)
        trial.set_user_attr("reason", record.reason)
        if record.state in FAILURES:
            self._study.tell(trial, state=TrialState.FAIL)
        elif record.state == "pruned":
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            assert record.value is not None, "a trial that ends by itself has a value"
            self._study.tell(trial, record.value)
        frozen = self._study.get_trials(deepcopy=False)[record.number]
        self._mirror.add_trial(frozen)


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


def _build_sampler(sampler: Sampler, seed: int) -> optuna.samplers.BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match sampler:
            case TPE():
                return optuna.samplers.TPESampler(
                    n_startup_trials=sampler.startup_trials,
                    multivariate=True,
                    group=True,
                    # trials run side by side: those not told yet count as bad
                    constant_liar=True,
                    seed=seed,
                )
            case QuasiRandom():
                return optuna.samplers.QMCSampler(
                    scramble=True, seed=seed, warn_independent_sampling=False
                )
            case CmaEs():
                return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
            case GP():
                return optuna.samplers.GPSampler(
                    n_startup_trials=sampler.startup_trials,
                    seed=seed,
                    independent_sampler=optuna.samplers.RandomSampler(seed=seed),
                )
            case Random() | Grid():
                return optuna.samplers.RandomSampler(seed=seed)
