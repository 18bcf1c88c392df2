"""Explore: the trials of a search, proposed, trained, recorded and ranked."""

from __future__ import annotations

import logging

from tuneyard.search.results.progress import Progress
from tuneyard.search.spec.resolved import ResolvedSpec
from tuneyard.search.stages.context import SearchContext
from tuneyard.search.stages.stage import Findings, Stage
from tuneyard.search.storage.checkpoints import BestCheckpoints
from tuneyard.search.tracking.recorder import Recorder
from tuneyard.search.tracking.runs import ChildRun, last_epoch
from tuneyard.search.trials.listener import TrialListener
from tuneyard.search.trials.ranking import best_trial
from tuneyard.search.tune.events import SearchStopper, TrialEvents
from tuneyard.search.tune.runner import run_trials

logger = logging.getLogger(__name__)

GIVE_UP_SECONDS = 60.0
"""How long a search that has ended waits for an MLflow or an Optuna storage that is away."""


class Explore(Stage):
    """Trains configs that the study proposes, until the budget is used up."""

    def run(self, context: SearchContext, findings: Findings) -> None:
        """Every trial has ended and is recorded when it returns."""
        search, study = context.search, context.study
        objective = search.task.objective
        stopper = SearchStopper(objective, search.spec.target, keep_going=search.spec.keep_going)
        recorder = Recorder(
            context.client, context.run, search, context.clock, _known_runs(context)
        )
        checkpoints = BestCheckpoints(
            objective,
            search.spec.keep_checkpoints,
            context.folder,
            recorder.writer,
            at_end=search.spec.scheduler.population,
        )
        progress = Progress(search, context.clock, show=context.settings.display)
        listeners: list[TrialListener] = [study, recorder, checkpoints, progress, stopper]
        events = TrialEvents(listeners, study.ended_before, _known_epochs(context))
        _warn_of_unknown_epochs(search)
        for listener in listeners:
            listener.search_started()
        try:
            run_trials(
                search,
                context.code,
                context.folds,
                study,
                events,
                stopper,
                context.folder,
                seconds=context.seconds,
            )
        finally:
            events.close("error")
            for listener in listeners:
                listener.search_ended()
            missing_runs = recorder.writer.flush(GIVE_UP_SECONDS)
            self._warn(context, missing_runs, study.close(GIVE_UP_SECONDS))
            checkpoints.sweep()
        for record in events.records:
            record.run_id = recorder.run_id(record.number)
        findings.trials = events.records
        findings.interrupted = stopper.reason == "interrupt"
        if stopper.reason == "baseline":
            logger.warning(
                "the baseline failed, so the search has ended: mend what it says, or search on "
                "without a baseline with --keep-going"
            )
        else:
            findings.best = best_trial(findings.trials, objective)

    def _warn(self, context: SearchContext, runs: int, trials: int) -> None:
        """Says what did not come in, and where it is."""
        for count, what, where in (
            (runs, "MLflow", "runs lack values there"),
            (trials, "the Optuna storage", "trials are not in it"),
        ):
            if count:
                logger.warning(
                    "%s did not answer for %g s: %d %s; all trials are in %s/trials.csv",
                    what,
                    GIVE_UP_SECONDS,
                    count,
                    where,
                    context.folder,
                )


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


def _known_runs(context: SearchContext) -> dict[int, ChildRun]:
    """The runs of trials from before a resume, by number."""
    open_states = ("RUNNING", "SCHEDULED")
    return {
        number: ChildRun(run.info.run_id, ended=run.info.status not in open_states)
        for number, run in context.children.items()
    }


def _known_epochs(context: SearchContext) -> dict[int, int]:
    """Epochs that unfinished trials had recorded before a resume, by number."""
    metric = context.search.task.objective.metric
    return {
        number: last_epoch(context.client, context.children[number], metric)
        for number in context.study.unfinished
        if number in context.children
    }
