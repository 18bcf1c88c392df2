"""Explore: the trials of a search, proposed, trained, recorded and ranked."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from tuneyard.search.results.display import announce, current_screen
from tuneyard.search.results.progress import Progress
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.stages.context import SearchContext
from tuneyard.search.stages.explored import Explored
from tuneyard.search.stages.stage import Findings, Stage
from tuneyard.search.storage.checkpoints import BestCheckpoints
from tuneyard.search.study.study import Study
from tuneyard.search.tracking.client import Run
from tuneyard.search.tracking.recorder import Recorder
from tuneyard.search.tracking.runs import ChildRun, has_end
from tuneyard.search.trials.listener import TrialListener
from tuneyard.search.trials.ranking import best_trial
from tuneyard.search.trials.record import TrialRecord, trial_folder
from tuneyard.search.tune.events import TrialEvents
from tuneyard.search.tune.resources import Capacity
from tuneyard.search.tune.runner import run_trials
from tuneyard.search.tune.stopper import SearchStopper
from tuneyard.search.tune.watch import ray_watched

logger = logging.getLogger(__name__)

GIVE_UP_SECONDS = 60.0
"""How long a search that has ended waits for an MLflow or an Optuna storage that is away."""

ENDED_BY_FAILURE = {
    "baseline": "the baseline failed, so the search has ended: mend what it says, or search on "
    "without a baseline with --keep-going",
    "failures": "the first trials all failed in the same way, so the search has ended: mend what "
    "they say, or search on with --keep-going",
}
"""What is said of a search that ended because its first trials failed."""


class Explore(Stage):
    """Trains configs that the study proposes, until the budget is used up."""

    doing = "preparing the trials"

    def run(self, context: SearchContext, findings: Findings) -> None:
        """Every trial has ended and is recorded when it returns.

        Where a driver before has explored already, only what MLflow lacks is written.
        """
        search, study = context.search, context.study
        objective = search.task.objective
        stopper = SearchStopper(objective, search.spec.target, keep_going=search.spec.keep_going)
        recorder = Recorder(
            context.client,
            context.run,
            search,
            context.clock,
            context.files,
            context.folder,
            known_runs(context.children),
        )
        checkpoints = BestCheckpoints(
            objective,
            search.spec.keep_checkpoints,
            context.folder,
            recorder.writer,
            at_end=search.spec.scheduler.population,
        )
        progress = Progress(search, context.clock, current_screen())
        listeners: list[TrialListener] = [
            context.files,
            study,
            recorder,
            checkpoints,
            progress,
            stopper,
        ]
        events = TrialEvents(listeners, study.ended_before, search.spec.trial_timeout)
        explored = Explored.read(context.folder)
        for listener in listeners:
            listener.search_started()
        try:
            if explored is None:
                _warn_of_unknown_epochs(search)
                announce(_starting(search, study))
                explored = self._explore(context, events, stopper)
        finally:
            for listener in listeners:
                listener.search_ended()
            announce("writing the last trials to MLflow")
            missing_runs = recorder.writer.flush(GIVE_UP_SECONDS)
            self._warn(context, missing_runs, study.close(GIVE_UP_SECONDS))
        checkpoints.sweep()
        for record in events.records:
            record.run_id = recorder.run_id(record.number)
        findings.trials = events.records
        findings.interrupted = explored.reason == "interrupt"
        if explored.reason in ENDED_BY_FAILURE:
            logger.warning(ENDED_BY_FAILURE[explored.reason])
        else:
            findings.best = best_trial(_at_hand(context, findings.trials), objective)

    def _explore(
        self, context: SearchContext, events: TrialEvents, stopper: SearchStopper
    ) -> Explored:
        """Runs the trials that are left; those that there is no time for are given up."""
        time_left = context.seconds is None or context.seconds > 0
        if time_left and len(context.study.ended_before) < context.search.spec.trials:
            with ray_watched(context.interrupted):
                run_trials(
                    context.search,
                    context.code,
                    context.folds,
                    context.study,
                    events,
                    stopper,
                    context.folder,
                    seconds=context.seconds,
                )
        reason = stopper.reason or "time"
        while (given_up := context.study.next_unfinished()) is not None:
            events.give_up(*given_up, reason)
        explored = Explored(stopper.reason or "")
        explored.write(context.folder)
        return explored

    def _warn(self, context: SearchContext, runs: int, trials: int) -> None:
        """Says what did not come in, and where it is."""
        for count, what, where in (
            (runs, "MLflow", "runs lack values there"),
            (trials, "the Optuna storage", "trials are not in it"),
        ):
            if count:
                logger.warning(
                    "%s did not answer for %g s: %d %s; all is in %s, and comes there with: "
                    "tuneyard sync %s",
                    what,
                    GIVE_UP_SECONDS,
                    count,
                    where,
                    context.folder,
                    context.search.name,
                )


def _starting(search: ResolvedSpec, study: Study) -> str:
    """What happens until the first trials run, each of them in a worker of its own."""
    count = min(Capacity(search.resources, None)(), search.spec.trials - len(study.ended_before))
    count = min(count, search.spec.max_concurrent_trials or count)
    return f"starting {count} {'worker' if count == 1 else 'workers'} (each imports PyTorch)"


def _warn_of_unknown_epochs(search: ResolvedSpec) -> None:
    """Says why a scheduler stops no trial early."""
    scheduler = search.spec.scheduler
    # epochs that a person has given, such as a grace period, are no share of an unknown number
    left_open = scheduler.model_fields_set <= {"kind"}
    if search.max_epochs is None and left_open and scheduler.milestones(search.planned_epochs):
        logger.warning(
            "the number of epochs is not known, so %s stops no trial early; call its field epochs, "
            "or add a line such as epochs = 20",
            scheduler.kind,
        )


def _at_hand(context: SearchContext, trials: list[TrialRecord]) -> list[TrialRecord]:
    """The trials without those whose weights someone has deleted."""
    kept = set(context.folder.kept_trials())
    lost = [one for one in trials if one.eligible and trial_folder(one.number) not in kept]
    best = best_trial(trials, context.search.task.objective)
    if best in lost:
        logger.warning(
            "the checkpoint of trial %d, the best, is not in %s any more; the best of those that "
            "are there is taken",
            best.number,
            context.folder,
        )
        return [one for one in trials if one not in lost]
    return trials


def known_runs(children: Mapping[int, Run]) -> dict[int, ChildRun]:
    """The runs of trials from before a resume, by number."""
    return {
        number: ChildRun(run.info.run_id, ended=has_end(run)) for number, run in children.items()
    }
