"""`ResolvedSpec`: what a search runs on, without an open question."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from tuneyard.search.spec.names import new_name
from tuneyard.search.spec.resources import Resources
from tuneyard.search.spec.search import SearchSpec, max_epochs
from tuneyard.spaces import SearchSpace, Space
from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.registry import find_description

UNKNOWN_EPOCHS = 10_000
"""A scheduler's first look at a trial is a share of this, which no such training reaches."""


@dataclass(frozen=True)
class ResolvedSpec:
    """A spec and all that follows from it, each found out once.

    Attributes:
        spec: The search as it was asked for.
        name: Name of the search.
        task: Its task.
        space: The task's space as far as the spec leaves it.
        folds: How many folds rank a config; 1 is the one validation split.
        max_epochs: The longest training; None where the task does not say it.
        resources: What a trial takes.
    """

    spec: SearchSpec
    name: str
    task: TaskDescription
    space: Space[SearchSpace]
    folds: int
    max_epochs: int | None
    resources: Resources

    @classmethod
    def of(cls, spec: SearchSpec, *, name: str | None = None, gpus: float = 0.0) -> Self:
        """Answers what a spec leaves open.

        Args:
            spec: The search as it was asked for.
            name: Name of the search where the spec has none; None makes one.
            gpus: The share of a GPU that was measured, where the spec asks for ``auto``; until
                then 0.
        """
        task, space = find_description(spec.task), spec.narrowed()
        asked = spec.gpus_per_trial
        return cls(
            spec=spec,
            name=spec.name or name or new_name(spec.task),
            task=task,
            space=space,
            folds=spec.folds or task.folds,
            max_epochs=max_epochs(space) or task.epochs,
            resources=Resources(
                spec.cpus_per_trial, gpus if asked == "auto" else asked, spec.resources_per_trial
            ),
        )

    @property
    def planned_epochs(self) -> int:
        """The longest training as a scheduler sees it: where it is unknown, no trial is stopped."""
        return self.max_epochs or UNKNOWN_EPOCHS

    def with_gpus(self, gpus: float) -> Self:
        """The same search whose trials take a measured share of a GPU.

        Args:
            gpus: The share.
        """
        return replace(self, resources=replace(self.resources, gpus=gpus))

    def recorded(self) -> SearchSpec:
        """The spec with its open questions answered: a resume asks for the same again."""
        answers = {
            "name": self.name,
            "folds": self.folds,
            "gpus_per_trial": self.resources.gpus,
        }
        return self.spec.model_copy(update=answers)
