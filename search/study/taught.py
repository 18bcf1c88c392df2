"""`TaughtStorage`: a study in memory, which shows its sampler failed trials as the worst ones."""

from __future__ import annotations

import copy
from collections.abc import Container, Sequence

from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from tuneyard.search.spec.samplers import SamplerOptions
from tuneyard.spaces.objective import Objective

BEST_SHARE = 0.2
"""Of the trials shown to a sampler that looks at a limited number; the others are the newest."""


class TaughtStorage(InMemoryStorage):
    """The trials of one study; `get_all_trials`, which samplers call, shows what they learn from.

    Samplers ignore trials of Optuna's state FAIL, and propose configs that diverge again and again.
    So a failed trial is shown as the worst, once there is a completed one to compare it with: as
    infeasible, below every pruned one, to a sampler that learns from pruned trials, and with the
    worst value so far to the others.

    Args:
        sampler: Of the study.
        objective: What ranks trials.

    Attributes:
        ended: Every trial that has ended, as it was told, in the order of the ends.
    """

    def __init__(self, sampler: SamplerOptions, objective: Objective) -> None:
        super().__init__()
        self._sampler = sampler
        self._sign = -1.0 if objective.mode == "max" else 1.0
        self.ended: list[FrozenTrial] = []
        self._looked_at: list[FrozenTrial] = []
        self._shown: list[FrozenTrial] = []
        self._open: set[int] = set()

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Adds a trial, which may have ended before; see `BaseStorage.create_new_trial`."""
        trial_id = super().create_new_trial(study_id, template_trial)
        self._open.add(trial_id)
        self._end(trial_id)
        return trial_id

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Starts or ends a trial; see `BaseStorage.set_trial_state_values`."""
        changed = super().set_trial_state_values(trial_id, state, values)
        self._end(trial_id)
        return changed

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """The trials that the sampler looks at, by number; see `BaseStorage.get_all_trials`."""
        trials = [*self._shown, *map(self.get_trial, self._open)]
        trials.sort(key=lambda trial: trial.number)
        if states is not None:
            trials = [trial for trial in trials if trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def _end(self, trial_id: int) -> None:
        """Takes a trial in if it has ended."""
        trial = self.get_trial(trial_id)
        if not trial.state.is_finished():
            return
        self._open.remove(trial_id)
        self.ended.append(trial)
        self._looked_at.append(trial)
        most = self._sampler.most_trials
        if most is not None and len(self._looked_at) > most:
            best = sorted(self._looked_at, key=self._rank)[: int(BEST_SHARE * most)]
            kept = {one.number for one in best}
            oldest = next(one for one in self._looked_at if one.number not in kept)
            self._looked_at.remove(oldest)
        self._shown = self._taught()

    def _rank(self, trial: FrozenTrial) -> tuple[int, int, float]:
        """Lower is better: completed trials by value, pruned ones by how far they came, failed."""
        if trial.state == TrialState.COMPLETE:
            assert trial.value is not None
            return 0, 0, self._sign * trial.value
        if trial.state == TrialState.PRUNED and (step := trial.last_step) is not None:
            return 1, -step, self._sign * trial.intermediate_values[step]
        return 2, 0, 0.0

    def _taught(self) -> list[FrozenTrial]:
        """What is looked at, with failed trials as the worst."""
        complete = [one for one in self._looked_at if one.state == TrialState.COMPLETE]
        if not complete:
            return list(self._looked_at)
        worst = max(complete, key=self._rank).values
        return [
            self._failed(one, worst) if one.state == TrialState.FAIL else one
            for one in self._looked_at
        ]

    def _failed(self, trial: FrozenTrial, worst: list[float]) -> FrozenTrial:
        shown = copy.copy(trial)
        if self._sampler.learns_from_pruned:
            shown.state = TrialState.PRUNED
            shown.system_attrs = {}
            shown.set_constraint("failed", 1.0)
        else:
            shown.state, shown.values = TrialState.COMPLETE, worst
        return shown
