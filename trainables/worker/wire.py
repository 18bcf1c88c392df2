"""Assignments and reports as dictionaries of Ray Tune; no other file reads or writes those.

Ray Tune's schedulers read plain numbers of a result by name; the names are here as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any  # Ray Tune's configs and results are dictionaries of anything

from tuneyard.trainables.worker.assignment import Assignment, Member, Params
from tuneyard.trainables.worker.report import Report

EPOCH = "epoch"
"""A result's key: epochs trained."""

BEST_VALUE = "objective"
"""A result's key: the objective at the best epoch so far."""

LAST_VALUE = "current"
"""A result's key: the objective at the last epoch."""

ASSIGNMENT = "assignment"
_REPORT = "report"


def to_config(assignment: Assignment) -> dict[str, Any]:
    """An assignment as the config of a trial of Ray Tune.

    It consists of plain values alone: under PBT, which proposes all configs at the start, Tune
    replaces any other object with a placeholder until a trial has its folder.
    """
    return {ASSIGNMENT: asdict(assignment)}


def assignment_of(config: Mapping[str, Any]) -> Assignment:
    """The assignment that a trial of Ray Tune has as its config."""
    return Assignment(tuple(Member(**member) for member in config[ASSIGNMENT]["members"]))


def with_params(config: Mapping[str, Any], params: Params) -> dict[str, Any]:
    """The config of one trial with other parameters, as PBT changes them."""
    member = replace(assignment_of(config).single, params=params)
    return {**config, **to_config(Assignment((member,)))}


def with_given_up(config: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """The config of one trial that is not trained any more, and why."""
    member = replace(assignment_of(config).single, given_up=reason)
    return {**config, **to_config(Assignment((member,)))}


def to_result(report: Report, metric: str, *, should_checkpoint: bool) -> dict[str, Any]:
    """A report as a result of Ray Tune.

    Args:
        report: The report; Ray Tune's schedulers compare its first trial.
        metric: Name of the objective.
        should_checkpoint: Whether Ray Tune is to save a checkpoint now.
    """
    first = report.members[0]
    return {
        EPOCH: first.epoch,
        BEST_VALUE: first.best.value if first.best else float("nan"),
        LAST_VALUE: first.values.get(metric, float("nan")),
        _REPORT: report,
        "done": report.ended,
        "should_checkpoint": should_checkpoint,
    }


def report_of(result: Mapping[str, Any]) -> Report:
    """The report that a result of Ray Tune holds."""
    report: Report = result[_REPORT]
    return report
