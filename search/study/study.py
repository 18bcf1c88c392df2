"""The Optuna study of a search: asked and told in memory, each finished trial mirrored to storage.

Asking a stored study takes 16 to 50 ms a trial, asking one in memory about 2 ms. The mirror is a
study that any Optuna tool reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Literal  # Any: Optuna's attributes of a trial

import optuna
from optuna.trial import FrozenTrial, TrialState

from tuneyard.search.spec.samplers import SamplerOptions
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.storage.trial_files import KEPT, EndedTrial, TrialFiles
from tuneyard.search.study.sampling import build_sampler, distributions, suggest_config
from tuneyard.search.study.store import Mirror
from tuneyard.search.study.taught import TaughtStorage
from tuneyard.search.trials.listener import History, TrialListener
from tuneyard.search.trials.record import FAILURES, Params, TrialRecord
from tuneyard.spaces import SearchSpace, Space, Value
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.worker.assignment import BASELINE


class Study(TrialListener):
    """Proposes configs and learns from their results.

    The first config is the space's baseline. A resumed study continues where the files of the
    trials end: those that were proposed and have not ended come first. What the mirror lacks is
    added there.

    Args:
        space: The narrowed space.
        objective: What is optimised.
        sampler: Which sampler.
        folder: Of the search.
        files: The trials in it; every proposal is recorded there.
        seed: Of the sampler.
        name: Name of the mirrored study.
        studies: Optuna storage of the mirror; see `tuneyard.search.study.store.studies_address`.

    Attributes:
        ended_before: The trials that ended before, by number.
        unfinished: The numbers of those that did not, and that `ask` gives first.
    """

    def __init__(
        self,
        space: Space[SearchSpace],
        objective: Objective,
        sampler: SamplerOptions,
        folder: SearchFolder,
        files: TrialFiles,
        *,
        seed: int,
        name: str,
        studies: str | None = None,
    ) -> None:
        # Optuna logs one line per trial; the display of the search is ours
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = space
        self._files = files
        direction: Literal["maximize", "minimize"] = (
            "maximize" if objective.mode == "max" else "minimize"
        )
        ended = {trial.record.number: trial for trial in files.ended_trials()}
        frozen = {number: self._frozen(trial) for number, trial in ended.items()}
        self._mirror = Mirror(folder, name, direction, studies, frozen)
        for number, stored in self._mirror.others.items():
            # an earlier version's trial, or one whose own file is damaged
            ended[number], frozen[number] = _ended(stored), stored
            files.keep(ended[number])
        self.ended_before = [ended[number].record for number in sorted(ended)]
        started = files.numbers()
        self._working = TaughtStorage(sampler, objective)
        self._study = optuna.create_study(
            storage=self._working,
            direction=direction,
            # with the same seed it would propose again what it proposed at the start
            sampler=build_sampler(sampler, seed + len(started)),
        )
        grid = sampler.grid(space)
        self._grid = None if grid is None else self._not_proposed(grid, started)
        self._next_number = BASELINE
        self._asked: dict[int, optuna.Trial] = {}
        self._waiting: list[tuple[int, Params]] = []
        self._rebuild(frozen, started)
        self.unfinished = [number for number, _ in self._waiting]

    def _not_proposed(
        self, grid: Iterator[SearchSpace], started: list[int]
    ) -> Iterator[SearchSpace]:
        """The grid without the baseline and without what was proposed before the resume."""
        known = [self._space.flatten(self._space.baseline())]
        known += [params for number in started if (params := self._files.params(number))]
        proposed = {_key(params) for params in known}
        return (config for config in grid if _key(self._space.flatten(config)) not in proposed)

    def _frozen(self, trial: EndedTrial) -> FrozenTrial:
        """A trial that has ended, as Optuna would have it had it been asked and told."""
        record = trial.record
        found = distributions(self._space, record.params)
        state = told_state(record)
        return optuna.trial.create_trial(
            state=state,
            value=record.value if state is TrialState.COMPLETE else None,
            params={path: record.params[path] for path in found},
            distributions=found,
            user_attrs=kept(record),
            intermediate_values=dict(trial.curve),
        )

    def _rebuild(self, frozen: Mapping[int, FrozenTrial], started: list[int]) -> None:
        """Adds the trials in the order of their numbers: Optuna numbers them as they come."""
        for number in range(max([*frozen, *started], default=-1) + 1):
            if number in frozen:
                self._study.add_trial(frozen[number])
                self._next_number += 1
                continue
            params = self._files.params(number) if number in started else None
            asked = self._propose(self._space.unflatten(params)) if params else self._next()
            self._waiting += [asked] if asked else []

    def next_unfinished(self) -> tuple[int, Params] | None:
        """One of those that had not ended before and that `ask` has not given yet."""
        return self._waiting.pop(0) if self._waiting else None

    def ask(self) -> tuple[int, Params] | None:
        """The next trial's number and parameters; None when a grid has no more."""
        return self._waiting.pop(0) if self._waiting else self._next()

    def _next(self) -> tuple[int, Params] | None:
        """A proposal that was not made before; None when a grid has no more."""
        if self._grid is None or self._next_number == BASELINE:
            return self._propose(None)
        config = next(self._grid, None)
        return None if config is None else self._propose(config)

    def _propose(self, config: SearchSpace | None) -> tuple[int, Params]:
        """A trial with this config, or with what the sampler chooses; the first is the baseline."""
        if config is None and self._next_number == BASELINE:
            config = self._space.baseline()
        if config is not None:
            searched = {leaf.path for leaf in self._space.dimensions()}
            params = self._space.flatten(config)
            self._study.enqueue_trial({path: params[path] for path in params if path in searched})
        trial = self._study.ask()
        self._next_number += 1
        chosen = suggest_config(trial, self._space)
        self._asked[trial.number] = trial
        params = self._space.flatten(chosen)
        self._files.add(trial.number, params)
        return trial.number, params

    def curves(self) -> dict[int, dict[int, float]]:
        """The best objective by epoch, as far as reported, of the trials that ended before."""
        return {
            trial.user_attrs["number"]: trial.intermediate_values for trial in self._working.ended
        }

    def progressed(self, record: TrialRecord, history: History) -> None:
        """Reports the best objective so far, by which the sampler ranks pruned trials."""
        if record.value is not None:
            self._asked[record.number].report(record.value, step=record.epoch)

    def ended(self, record: TrialRecord) -> None:
        """Tells the study how the trial ended, and stores the whole trial in the mirror."""
        trial = self._asked[record.number]
        for name, value in kept(record).items():
            trial.set_user_attr(name, value)
        state = told_state(record)
        if state is TrialState.COMPLETE:
            assert record.value is not None, "a trial that ends by itself has a value"
            self._study.tell(trial, record.value)
        else:
            self._study.tell(trial, state=state)
        self._mirror.add(self._working.ended[-1])

    def close(self, give_up_after: float) -> int:
        """Closes the mirror; returns how many trials it lacks, see `Mirror.close`."""
        return self._mirror.close(give_up_after)


def _key(params: Params) -> frozenset[tuple[str, Value]]:
    """What tells configs apart, hashed."""
    return frozenset(params.items())


def kept(record: TrialRecord) -> dict[str, Any]:
    """What the mirror keeps of a record."""
    values = asdict(record)
    return {name: values[name] for name in KEPT}


def told_state(record: TrialRecord) -> TrialState:
    """How Optuna is told that a trial has ended."""
    if record.state in FAILURES:
        return TrialState.FAIL
    return TrialState.PRUNED if record.state == "pruned" else TrialState.COMPLETE


def _ended(trial: FrozenTrial) -> EndedTrial:
    """A trial as `Study.ended` stored it; of its epochs MLflow knows."""
    record = TrialRecord(**{name: trial.user_attrs[name] for name in KEPT})
    return EndedTrial(record, {}, trial.intermediate_values)
