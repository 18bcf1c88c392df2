"""The study's proposals as assignments of Ray Tune's trials."""

from __future__ import annotations

from typing import Any  # a config of Ray Tune is a dictionary of anything

from ray import tune
from ray.tune.experiment import Trial

from tuneyard.search.storage.folder import SearchFolder
from tuneyard.search.study.study import Study
from tuneyard.search.trials.record import trial_folder
from tuneyard.trainables.worker.assignment import Assignment, Member
from tuneyard.trainables.worker.wire import ASSIGNMENT, assignment_of, to_config


class Assignments:
    """The study's proposals as configs of trials; unfinished trials continue from checkpoints."""

    def __init__(self, study: Study, folder: SearchFolder) -> None:
        self._study = study
        self._folder = folder
        self._unfinished = set(study.unfinished)

    def __call__(self) -> dict[str, Any] | None:
        """The next one; None when a grid has no more."""
        asked = self._study.ask()
        if asked is None:
            return None
        number, proposed = asked
        earlier = self._folder.set_aside(number) if number in self._unfinished else None
        member = Member(number, proposed, proposed)
        if earlier:
            # PBT may have changed them since
            params = self._folder.checkpoint_params(earlier) or proposed
            address = self._folder.address(earlier)
            member = Member(number, params, proposed, checkpoint=address)
        return to_config(Assignment((member,)))


def folder_name(trial: Trial) -> str:
    """The name of a trial's folder among the search's checkpoints."""
    return trial_folder(assignment_of(trial.config).members[0].number)


def population_config(assignments: Assignments, size: int) -> dict[str, Any]:
    """PBT's configs, all proposed at the start: Tune refuses a searcher beside PBT."""
    configs = [config for _ in range(size) if (config := assignments())]
    return {ASSIGNMENT: tune.grid_search([config[ASSIGNMENT] for config in configs])}
