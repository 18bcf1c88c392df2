"""The Optuna study of a search: asked and told in memory, each finished trial mirrored to storage.

Asking a stored study takes 16 to 50 ms a trial, asking one in memory about 2 ms. The mirror is a
study that any Optuna tool reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from tuneyard.search.spec.samplers import SamplerOptions
from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.storage.proposals import Proposals
from tuneyard.search.study.sampling import build_sampler, suggest_config
from tuneyard.search.study.store import Mirror
from tuneyard.search.trials.listener import History, TrialListener
from tuneyard.search.trials.record import FAILURES, Params, TrialRecord
from tuneyard.spaces import SearchSpace, Space
from tuneyard.spaces.objective import Objective
from tuneyard.trainables.worker.assignment import BASELINE

ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
STORED = [
    field.name
    for field in fields(TrialRecord)
    if field.name not in ("current", "run_id", "traceback")
]
"""What the mirror keeps of a record: all but what MLflow knows, and what is of no use later."""


class Study(TrialListener):
    """Proposes configs and learns from their results.

    The first config is the space's baseline. A resumed study continues where the mirror and the
    folder's record of proposals end: trials that were proposed and have not ended come first.

    Args:
        space: The narrowed space.
        objective: What is optimised.
        sampler: Which sampler.
        folder: Of the search; every proposal is recorded in it.
        seed: Of the sampler.
        name: Name of the mirrored study.
        studies: Optuna storage of the mirror; see `tuneyard.search.study.store.studies_address`.
        resumed: Whether the search has begun before.

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
        *,
        seed: int,
        name: str,
        studies: str | None = None,
        resumed: bool = False,
    ) -> None:
        # Optuna logs one line per trial; the display of the search is ours
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = space
        self._proposals = Proposals(folder)
        direction: Literal["maximize", "minimize"] = (
            "maximize" if objective.mode == "max" else "minimize"
        )
        self._mirror = Mirror(folder, name, direction, studies, resumed=resumed)
        stored = {trial.user_attrs["number"]: trial for trial in self._mirror.trials}
        self.ended_before = [_record(stored[number]) for number in sorted(stored)]
        started = self._proposals.numbers() if resumed else []
        # with the same seed it would propose again what it proposed at the start
        self._study = optuna.create_study(
            direction=direction, sampler=build_sampler(sampler, seed + len(started))
        )
        grid = sampler.grid(space)
        self._grid = None if grid is None else self._not_proposed(grid)
        self._asked: dict[int, optuna.Trial] = {}
        self._waiting: list[tuple[int, Params]] = []
        self._rebuild(stored, started)
        self.unfinished = [number for number, _ in self._waiting]

    def _not_proposed(self, grid: Iterator[SearchSpace]) -> Iterator[SearchSpace]:
        """The grid without the baseline and without what was proposed before the resume."""
        proposed = [self._space.baseline()]
        for number in self._proposals.numbers():
            params = self._proposals.params(number)
            proposed += [self._space.unflatten(params)] if params else []
        return (config for config in grid if config not in proposed)

    def _rebuild(self, stored: Mapping[int, FrozenTrial], started: list[int]) -> None:
        """Adds the trials in the order of their numbers: Optuna numbers them as they come."""
        for number in range(max([*stored, *started], default=-1) + 1):
            if number in stored:
                self._study.add_trial(stored[number])
                continue
            params = self._proposals.params(number) if number in started else None
            asked = self._propose(self._space.unflatten(params)) if params else self._next()
            self._waiting += [asked] if asked else []

    def ask(self) -> tuple[int, Params] | None:
        """The next trial's number and parameters; None when a grid has no more."""
        return self._waiting.pop(0) if self._waiting else self._next()

    def _next(self) -> tuple[int, Params] | None:
        """A proposal that was not made before; None when a grid has no more."""
        if self._grid is None or not self._study.get_trials(deepcopy=False):
            return self._propose(None)
        config = next(self._grid, None)
        return None if config is None else self._propose(config)

    def _propose(self, config: SearchSpace | None) -> tuple[int, Params]:
        """A trial with this config, or with what the sampler chooses; the first is the baseline."""
        if config is None and len(self._study.get_trials(deepcopy=False)) == BASELINE:
            config = self._space.baseline()
        if config is not None:
            searched = {leaf.path for leaf in self._space.dimensions()}
            params = self._space.flatten(config)
            self._study.enqueue_trial({path: params[path] for path in params if path in searched})
        trial = self._study.ask()
        chosen = suggest_config(trial, self._space)
        self._asked[trial.number] = trial
        params = self._space.flatten(chosen)
        self._proposals.add(trial.number, params)
        return trial.number, params

    def curves(self) -> dict[int, dict[int, float]]:
        """The best objective by epoch, as far as reported, of the trials that ended before."""
        return {
            trial.user_attrs["number"]: trial.intermediate_values
            for trial in self._study.get_trials(deepcopy=False, states=ENDED)
        }

    def progressed(self, record: TrialRecord, history: History) -> None:
        """Reports the best objective so far, by which the sampler ranks pruned trials."""
        if record.value is not None:
            self._asked[record.number].report(record.value, step=record.epoch)

    def ended(self, record: TrialRecord) -> None:
        """Tells the study how the trial ended, and stores the whole trial in the mirror."""
        trial = self._asked[record.number]
        for name, value in asdict(record).items():
            if name in STORED:
                trial.set_user_attr(name, value)
        if record.state in FAILURES:
            self._study.tell(trial, state=TrialState.FAIL)
        elif record.state == "pruned":
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            assert record.value is not None, "a trial that ends by itself has a value"
            self._study.tell(trial, record.value)
        self._mirror.add(self._study.get_trials(deepcopy=False)[record.number])

    def close(self, give_up_after: float) -> int:
        """Closes the mirror; returns how many trials it lacks, see `Mirror.close`."""
        return self._mirror.close(give_up_after)


def _record(trial: FrozenTrial) -> TrialRecord:
    """A record as `Study.ended` stored it."""
    return TrialRecord(**{name: trial.user_attrs[name] for name in STORED})
